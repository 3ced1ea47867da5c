// Forms out of what the server says of its option dataclasses.

import { make } from "../page/panels.js";
import { getJson } from "./api.js";
import { t } from "./texts.js";

/** What may be chosen by name changes while the page is open: it is asked for anew. */
async function formOf(kind) {
  const { forms } = await getJson(`/api/jobs/forms?kind=${kind}`);
  return forms[0];
}

/**
 * Fill a form element with the fields of a kind of job; gives a function that reads what was changed.
 * With `first`, those fields stand at the top, and the others in a part that is opened.
 */
export async function fillForm(element, kind, { first = null } = {}) {
  const form = await formOf(kind);
  const readers = form.fields.map((field) => [field, ...control(field)]);
  const rowOf = new Map(readers.map(([field, input]) => [field.name, row(field, input)]));
  let rows = [...rowOf.values()];
  if (first) {
    const others = [...rowOf].filter(([name]) => !first.includes(name)).map(([, one]) => one);
    const more = make("details", { class: "more" }, make("summary", {}, t("more_options")), make("div", { class: "form" }, ...others));
    rows = [...first.map((name) => rowOf.get(name)).filter(Boolean), more];
  }
  let text = null;
  if (form.transcript) {
    text = make("textarea", { spellcheck: "false" });
    rows.unshift(make("label", {}, t("transcript"), text, make("small", {}, t("transcript_help"))));
    if (first) rows.push(rows.shift());
  }
  element.replaceChildren(...rows);
  return () => {
    const options = {};
    for (const [field, , read] of readers) {
      const value = read();
      if (value !== undefined && JSON.stringify(value) !== JSON.stringify(field.default)) options[field.name] = value;
    }
    if (text?.value.trim()) options.transcript_text = text.value;
    return options;
  };
}

function row(field, input) {
  const name = field.name.replaceAll("_", " ");
  const parts = field.kind === "switch" ? [input, name] : [name, input];
  return make("label", { class: field.kind === "switch" ? "switch" : null, "data-field": field.name }, ...parts, make("small", {}, field.help));
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
  if (field.kind === "texts") {
    const input = make("input", { type: "text", spellcheck: "false" });
    input.value = (field.default ?? []).join(", ");
    return [input, () => input.value.split(",").map((part) => part.trim()).filter(Boolean)];
  }
  const number = field.kind === "integer" || field.kind === "number";
  const input = make("input", { type: number ? "number" : "text", step: field.kind === "integer" ? 1 : "any", spellcheck: "false" });
  input.value = field.default ?? "";
  return [input, () => (input.value === "" ? undefined : number ? Number(input.value) : input.value)];
}
