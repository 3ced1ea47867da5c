// A training run: its curves, its settings, and what it has made to be heard and seen.

import { make } from "../page/panels.js";
import { getJson } from "./api.js";
import { t } from "./texts.js";

export async function showRun(root, run) {
  const address = `/api/runs/${run.id}`;
  const told = await getJson(address);
  const head = make("h3", { tabindex: -1 }, told.name);
  const { curves } = told;
  const done = curves ? t("updates_done", { done: curves.steps, planned: curves.planned_steps, recipe: told.recipe }) : t("no_updates");
  const drawing = curves ? make("img", { class: "curves", src: `${address}/curves`, alt: curvesText(curves) }) : null;
  root.replaceChildren(head, make("p", {}, done), ...[drawing].filter(Boolean), figures(curves), samples(address, told.samples), settings(told));
  head.focus();
}

const rounded = (value) => (value === null ? "–" : Number(value.toPrecision(4)).toString());

function curvesText(curves) {
  return curves.figures.map((figure) => `${figure.name} ${rounded(figure.first)} → ${rounded(figure.last)}`).join(", ");
}

function figures(curves) {
  if (!curves) return "";
  const kinds = ["first", "last", "lowest", "highest"];
  const head = make("tr", {}, make("th", { scope: "col" }, t("figure")), ...kinds.map((kind) => make("th", { scope: "col" }, t(`figure_${kind}`))));
  const rows = curves.figures.map((figure) => make("tr", {}, make("th", { scope: "row" }, figure.name), ...kinds.map((kind) => make("td", {}, rounded(figure[kind])))));
  return make("details", {}, make("summary", {}, t("figures")), make("table", { tabindex: 0 }, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function samples(address, names) {
  if (!names.length) return make("p", {}, t("samples_none"));
  const shown = names.map((name) => {
    const source = `${address}/samples/${name.split("/").map(encodeURIComponent).join("/")}`;
    const tag = /\.(wav|flac)$/.test(name) ? "audio" : name.endsWith(".mp4") ? "video" : "img";
    const element = tag === "img" ? make("img", { src: source, alt: name, loading: "lazy" }) : make(tag, { controls: "", preload: "none", src: source, "aria-label": name });
    return make("figure", { class: "pane" }, element, make("figcaption", {}, name));
  });
  return make("div", { class: "panes" }, ...shown);
}

function settings(told) {
  const text = JSON.stringify({ settings: told.settings, loop: told.loop, changes: told.changes }, null, 1);
  return make("details", {}, make("summary", {}, t("settings")), make("pre", { tabindex: 0 }, text));
}
