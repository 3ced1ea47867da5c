// The still parts of the page: facts, streams, files, notes, and how it was made.

import { bytesText } from "./format.js";

/** An element with children; strings become text, never markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function fillPanels(model) {
  fillFacts(model);
  fillStreams(model);
  fillFiles(model);
  fillSync(model);
  fillNotes(model);
  fillMade(model);
  for (const column of document.querySelectorAll(".lower > div")) {
    column.hidden = ![...column.children].some((card) => !card.hidden);
  }
}

function fillFacts(model) {
  const facts = document.getElementById("facts");
  for (const fact of model.facts) {
    const value = make("dd", {});
    if (fact.mark) value.append(make("span", { class: `dot ${fact.mark}` }));
    value.append(fact.value);
    facts.append(make("div", {}, make("dt", {}, fact.label), value, fact.sub ? make("dd", { class: "sub" }, fact.sub) : null));
  }
}

function fillStreams(model) {
  const { columns, rows } = model.streams;
  if (!rows.length) { document.getElementById("streams-card").hidden = true; return; }
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
  const body = rows.map((row) => make("tr", {}, ...row.map((text, k) => make("td", { "data-name": columns[k] }, text))));
  document.getElementById("streams").append(make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function fillFiles(model) {
  if (!model.files.length) return;
  document.getElementById("files-card").hidden = false;
  document.getElementById("files-count").textContent = `${model.files.length}, beside this page`;
  const list = document.getElementById("files");
  for (const file of model.files) {
    const size = file.size_bytes === null ? "" : bytesText(file.size_bytes);
    list.append(make("li", {}, make("a", { href: file.href }, file.name), make("p", {}, file.explanation),
      make("span", { class: "size" }, size)));
  }
}

function fillSync(model) {
  if (!model.sync) return;
  document.getElementById("sync-card").hidden = false;
  const box = document.getElementById("sync");
  // One for a wide page, one for a telephone, where the same letters have less room beside each other.
  for (const [name, svg] of Object.entries(model.sync.svg)) {
    const drawing = make("div", { class: `plot ${name}` });
    drawing.innerHTML = svg; // drawn by us, its texts escaped
    box.append(drawing);
  }
  const dots = { passes: "good", fails: "bad" };
  const rows = model.sync.verdicts.map(([name, limits, result]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, limits),
      make("td", {}, make("span", { class: `dot ${dots[result] || ""}` }), result)));
  box.append(make("table", {}, make("tbody", {}, ...rows)));
}

function fillNotes(model) {
  if (!model.notes.length) return;
  document.getElementById("notes-card").hidden = false;
  document.getElementById("notes").append(...model.notes.map((note) => make("li", {}, note)));
}

function fillMade(model) {
  const box = document.getElementById("made");
  if (model.command) {
    const copy = make("button", { type: "button", class: "icon small", title: "Copy" });
    copy.innerHTML = '<svg><use href="#i-copy"/></svg><span class="sr">Copy the command</span>';
    copy.addEventListener("click", () => navigator.clipboard?.writeText(model.command));
    box.append(make("div", { class: "command" }, make("code", {}, model.command), copy));
  }
  const versions = Object.entries(model.versions);
  if (versions.length) {
    const rows = versions.map(([name, text]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, text)));
    box.append(make("table", {}, make("tbody", {}, ...rows)));
  }
  if (model.options) {
    box.append(make("details", {}, make("summary", {}, "All options"), make("pre", {}, model.options)));
  }
  if (!box.children.length) document.getElementById("made-card").hidden = true;
}

