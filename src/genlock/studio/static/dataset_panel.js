// A dataset: what is in quarantine and why, its clips, and every output of a clip on one time line.

import { lengthText } from "../page/format.js";
import { CurveLane, Ruler, SpectrogramLane, WaveLane, WordLane } from "../page/lanes.js";
import { make } from "../page/panels.js";
import { getJson } from "./api.js";
import { Exact } from "../page/exact.js";
import { StripLane } from "./strip_lane.js";
import { Strip } from "./strip.js";
import { t } from "./texts.js";

const PAGE = 50;

export class DatasetPanel {
  constructor(root, dataset, tell) {
    Object.assign(this, { root, dataset, tell, first: 0, text: "" });
    this.address = `/api/datasets/${dataset.id}`;
  }

  async show() {
    this.told = await getJson(this.address);
    this.list = make("ul", { class: "shelf clips" });
    this.pages = make("div", { class: "batch" });
    this.clip = make("div", { class: "dataset-clip" });
    const search = make("input", { type: "text", maxlength: 300, spellcheck: "false" });
    search.addEventListener("change", () => { this.text = search.value; this.first = 0; this.#clips(); });
    const head = make("h3", { tabindex: -1 }, this.told.name);
    this.root.replaceChildren(head, ...this.#notes(), this.#quarantine(), make("label", { class: "search" }, t("search_clips"), search), this.list, this.pages, this.clip);
    head.focus();
    await this.#clips();
  }

  #notes() {
    const { progress, notes = [], copy_count: copies } = this.told;
    const going = progress?.eta_seconds ? [t("minutes_to_go", { minutes: Math.ceil(progress.eta_seconds / 60) })] : [];
    const same = copies ? [t("copies_count", { count: copies })] : [];
    return [...going, ...same, ...notes].map((note) => make("p", {}, note));
  }

  #quarantine() {
    const { quarantined, quarantined_count: count, progress } = this.told;
    if (!count) return make("p", {}, t("quarantine_none"));
    const kinds = Object.entries(progress?.reasons ?? {}).map(([kind, number]) => make("li", {}, `${number} × ${kind}`));
    const rows = quarantined.map((one) => make("tr", {}, make("th", { scope: "row" }, one.source), make("td", {}, one.reason)));
    return make("details", { class: "quarantine" }, make("summary", {}, t("quarantine_count", { count })), make("ul", {}, ...kinds), make("table", { tabindex: 0 }, make("tbody", {}, ...rows)));
  }

  async #clips() {
    const { clips, more } = await getJson(`${this.address}/clips?first=${this.first}&most=${PAGE}&text=${encodeURIComponent(this.text)}`);
    this.list.replaceChildren(...clips.map((clip) => {
      const open = make("button", { type: "button", class: "link" }, clip.clip);
      open.addEventListener("click", () => this.#open(clip.clip).catch((error) => this.tell(error.message || t("no_answer"))));
      const about = [clip.split, lengthText(clip.seconds), clip.speaker, clip.transcript].filter(Boolean).join(" · ");
      return make("li", {}, make("div", {}, open, make("p", {}, about)));
    }));
    if (!clips.length) this.list.append(make("li", { class: "empty" }, t("no_clips")));
    const turn = (key, by, there) => {
      const made = make("button", { type: "button", class: "plain small" }, t(key));
      made.disabled = !there;
      made.addEventListener("click", () => { this.first = Math.max(0, this.first + by); this.#clips(); });
      return made;
    };
    this.pages.replaceChildren(turn("earlier", -PAGE, this.first > 0), turn("later", PAGE, more));
  }

  // ------------------------------------------------------------ one clip

  async #open(name) {
    const clip = await getJson(`${this.address}/clips/${encodeURIComponent(name)}`);
    const place = `${this.address}/clips/${encodeURIComponent(name)}/outputs`;
    const players = make("div", { class: "panes" });
    const line = make("div", {});
    const table = make("table", { class: "outputs", tabindex: 0 });
    const head = make("h4", { tabindex: -1 }, name);
    this.clip.replaceChildren(head, make("p", {}, clip.transcript ?? ""), players, line, table);
    head.focus();
    const strip = new Strip(line, { start: clip.start_seconds, end: clip.end_seconds, label: name });
    const lanes = [new Ruler()];
    const words = (clip.words ?? []).map((word, number) => ({ number, text: word.text, start: word.start_seconds, end: word.end_seconds, confidence: null }));
    if (words.length) lanes.push(new WordLane({ placed: words }));
    const rows = [];
    for (const made of clip.outputs ?? []) {
      const told = await getJson(`${place}/${encodeURIComponent(made.kind)}`);
      const lane = await laneOf(told, `${place}/${encodeURIComponent(made.kind)}`, lanes.length);
      if (lane) lanes.push(lane);
      if (/\.(mp4|wav)$/.test(made.path)) players.append(this.#player(made, `${place}/${encodeURIComponent(made.kind)}/media`, lane));
      const cells = [made.rate ? `${made.rate} Hz` : "–", made.start ?? "–", made.shape ? `[${made.shape.join(", ")}] ${made.dtype}` : made.path.split(".").at(-1), t("valid_of", { valid: made.valid ?? "–", all: made.length ?? "–" })];
      rows.push(make("tr", {}, make("th", { scope: "row" }, made.kind), ...cells.map((cell) => make("td", {}, cell))));
      strip.lay(lanes);
    }
    for (const part of clip.damage ?? []) rows.push(make("tr", {}, make("th", { scope: "row" }, t("damage")), make("td", { colspan: 4 }, `${part.kind} ${part.stream} ${part.start_seconds} – ${part.end_seconds} s`)));
    const columns = ["output", "rate", "start", "shape", "valid"].map((key) => make("th", { scope: "col" }, t(`column_${key}`)));
    table.replaceChildren(make("thead", {}, make("tr", {}, ...columns)), make("tbody", {}, ...rows));
    strip.show(clip.start_seconds, clip.end_seconds);
  }

  #player(made, address) {
    const film = made.path.endsWith(".mp4");
    return make("figure", { class: "pane" }, make(film ? "video" : "audio", { controls: "", preload: "metadata", src: address, "aria-label": made.kind }), make("figcaption", {}, made.kind));
  }
}

/** The lane of an output: its rows lie on the grid that the index says. */
async function laneOf(told, address, number) {
  if (told.form === "film") return null;
  if (told.form === "strip") return StripLane.of(told, `${address}/strip`);
  const bytes = Uint8Array.from(atob(told.values), (letter) => letter.charCodeAt(0));
  const period = told.grid ? 1 / Exact.of(told.grid.rate).number : told.period;
  const start = told.grid ? Exact.of(told.grid.start).number : told.start;
  const values = told.form === "wave" ? new Int8Array(bytes.buffer) : bytes;
  const shown = { start: told.form === "wave" ? told.start : start, period: told.period ?? period };
  const rows = { ...told, pieces: () => [{ key: told.kind, ...shown, values, count: values.length / told.width }] };
  const Kind = { wave: WaveLane, bands: SpectrogramLane, curve: CurveLane }[told.form];
  const lane = new Kind(rows, number);
  lane.label = told.kind;
  return lane;
}
