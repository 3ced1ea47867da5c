// Forms out of what the server says of its option dataclasses.

import { make } from "../page/panels.js";
import { getJson } from "./api.js";
import { t } from "./texts.js";

let told = null;

async function formOf(kind) {
  told ??= (await getJson("/api/jobs/forms")).forms;
  return told.find((form) => form.kind === kind);
}

/** Fill a form element with the fields of a kind of job; gives a function that reads what was changed. */
export async function fillForm(element, kind) {
  const form = await formOf(kind);
  const readers = form.fields.map((field) => [field, ...control(field)]);
  const rows = readers.map(([field, input]) => make("label", { class: field.kind === "switch" ? "switch" : null }, ...(field.kind === "switch" ? [input, field.name] : [field.name, input]), make("small", {}, field.help)));
  let text = null;
  if (form.transcript) {
    text = make("textarea", { spellcheck: "false" });
    rows.unshift(make("label", {}, t("transcript"), text, make("small", {}, t("transcript_help"))));
  }
  element.replaceChildren(...rows);
  return () => {
    const options = {};
    for (const [field, , read] of readers) {
      const value = read();
      if (value !== undefined && value !== field.default) options[field.name] = value;
    }
    if (text?.value.trim()) options.transcript_text = text.value;
    return options;
  };
}

function control(field) {
  if (field.kind === "switch") {
    const input = make("input", { type: "checkbox" });
    input.checked = field.default;
    return [input, () => input.checked];
  }
  if (field.kind === "choice") {
    const choices = field.optional ? ["", ...field.choices] : field.choices;
    const input = make("select", {}, ...choices.map((choice) => make("option", { value: choice }, choice || "–")));
    input.value = field.default ?? "";
    return [input, () => (input.value === "" ? undefined : input.value)];
  }
  const number = field.kind === "integer" || field.kind === "number";
  const input = make("input", { type: number ? "number" : "text", step: field.kind === "integer" ? 1 : "any", spellcheck: "false" });
  input.value = field.default ?? "";
  return [input, () => (input.value === "" ? undefined : number ? Number(input.value) : input.value)];
}
