// Which lanes the timeline shows besides words and sound: a menu of every track and every row of spans of the clip.

import { CurveLane, SpanLane, SpectrogramLane } from "../page/lanes.js";
import { make } from "../page/panels.js";
import { getJson } from "./api.js";
import { Exact } from "../page/exact.js";
import { t } from "./texts.js";
import { TiledRows } from "./tiles.js";

const SHOWN_AT_FIRST = /^(track:(mouth-aperture|mouth_aperture|flow-energy)|spans:)/;
const KEPT = "lanes";

/** Emits "spans" with the name and the spans of a row that was loaded. */
export class LaneMenu extends EventTarget {
  constructor(box, timeline, address, { find, tell }) {
    super();
    Object.assign(this, { timeline, address, tell });
    this.loaded = new Map();
    this.list = make("div", { class: "lane-list", role: "group", "aria-label": t("lanes") });
    const more = make("button", { type: "button", class: "plain small" }, t("lanes_find"));
    more.addEventListener("click", find);
    box.replaceChildren(make("summary", {}, t("lanes")), this.list, more);
  }

  get chosen() {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  }

  /** Offer these lanes, and show those that are chosen. */
  async offer(all) {
    const { chosen } = this;
    // What is there as spans needs no curve of the same name.
    const lanes = all.filter((lane) => lane.kind === "spans" || !all.some((other) => other.kind === "spans" && other.name === lane.name));
    this.lanes = lanes;
    this.loaded.clear();
    this.list.replaceChildren(...lanes.map((lane) => {
      const box = make("input", { type: "checkbox", "data-lane": lane.key });
      box.checked = chosen[lane.key] ?? SHOWN_AT_FIRST.test(lane.key);
      box.addEventListener("change", () => {
        localStorage.setItem(KEPT, JSON.stringify({ ...this.chosen, [lane.key]: box.checked }));
        this.show();
      });
      return make("label", {}, box, ` ${lane.name}`);
    }));
    if (!lanes.length) this.list.textContent = t("lanes_none");
    await this.show();
  }

  /** Fetch what is chosen and not here yet, and lay the lanes. */
  async show() {
    const wanted = this.lanes.filter((lane) => this.list.querySelector(`[data-lane="${CSS.escape(lane.key)}"]`).checked);
    for (const lane of wanted) {
      if (this.loaded.has(lane.key)) continue;
      try {
        this.loaded.set(lane.key, await this.#load(lane));
      } catch (error) {
        this.tell(error.message);
      }
    }
    this.timeline.setExtra(wanted.map((lane) => this.loaded.get(lane.key)).filter(Boolean));
  }

  async #load({ kind, name }) {
    const address = `${this.address}/lanes/${kind}/${encodeURIComponent(name)}`;
    const told = await getJson(address);
    if (kind === "spans") {
      this.dispatchEvent(new CustomEvent("spans", { detail: { name, spans: told.spans } }));
      return new SpanLane(name, told.spans.map((span) => ({ text: span.label, start: Exact.of(span.start).number, end: Exact.of(span.end).number, confidence: span.confidence })));
    }
    const rows = new TiledRows({ ...told, label: name }, address, told.version);
    rows.addEventListener("change", ({ detail }) => this.timeline.redraw(detail));
    return told.width === 1 ? new CurveLane(rows, this.loaded.size) : new SpectrogramLane(rows);
  }
}
