// A row of buttons over a time line, one for each event: chosen by a click, dragged, moved by keys.

import { colour } from "../page/colour.js";
import { clockText } from "../page/format.js";
import { make } from "../page/panels.js";
import { t } from "./texts.js";

const MOST = 300;

/** Keeps a place for the buttons among the lanes. */
export class MarksLane {
  key = "events";
  height = 40;

  constructor() {
    this.label = t("events");
  }

  draw(ctx, box, view) {
    ctx.fillStyle = colour("line");
    ctx.fillRect(0, box.y + box.height - 1, view.width, 1);
  }
}

export class EventMarks {
  /** `strip` says where time lies, `edits` which events there are; `go(t)` shows an instant. */
  constructor(strip, edits, go) {
    Object.assign(this, { strip, edits, go });
    this.root = make("div", { class: "event-marks", role: "group", "aria-label": t("events") });
    strip.area.append(this.root);
    strip.addEventListener("view", () => this.draw());
    edits.addEventListener("change", () => this.draw());
  }

  draw() {
    if (this.held) return;
    const lane = this.strip.lanes.find((each) => each.key === "events");
    if (!lane) return;
    this.root.style.top = `${lane.y}px`;
    const { view } = this.strip;
    const { list, chosen } = this.edits;
    const focused = this.root.contains(document.activeElement);
    const seen = list.map((event, number) => ({ event, number })).filter(({ event }) => event.at >= view.a && event.at <= view.b);
    const shown = seen.slice(0, MOST);
    this.root.replaceChildren(...shown.map(({ event, number }) => this.#mark(event, number, chosen)));
    if (seen.length > MOST) this.root.append(make("span", { class: "count" }, t("zoom_for_events", { count: seen.length })));
    if (focused) this.root.querySelector(".chosen")?.focus();
  }

  #mark(event, number, chosen) {
    const text = event.material || t("event");
    const sure = event.probability < 0.8 ? `, ${Math.round(100 * event.probability)} %` : "";
    const mark = make("button", { type: "button", class: number === chosen ? "event chosen" : "event", tabindex: number === chosen ? 0 : -1, "aria-pressed": String(number === chosen), "aria-label": `${text} ${clockText(event.at, 3)}${sure}`, title: `${text} ${clockText(event.at, 3)}${sure}`, "data-number": number });
    mark.style.left = `${this.strip.view.x(event.at)}px`;
    mark.style.height = `${10 + 22 * Math.min(1, event.strength ?? 0.6)}px`;
    mark.addEventListener("pointerdown", (press) => this.#drag(press, mark, number));
    mark.addEventListener("click", () => { if (!this.dragged) { this.edits.select(number); this.go(event.at); } });
    return mark;
  }

  #drag(press, mark, number) {
    if (press.button !== 0) return;
    const from = press.clientX;
    const { view } = this.strip;
    const begin = this.edits.list[number].at;
    const at = (event) => Math.max(this.strip.start, Math.min(this.strip.end, begin + (event.clientX - from) / view.scale));
    this.dragged = false;
    mark.setPointerCapture(press.pointerId);
    const move = (event) => {
      if (!this.dragged && Math.abs(event.clientX - from) < 3) return;
      this.dragged = this.held = true;
      mark.style.left = `${view.x(at(event))}px`;
      this.go(at(event));
    };
    const drop = (event) => {
      mark.removeEventListener("pointermove", move);
      mark.removeEventListener("pointerup", drop);
      mark.removeEventListener("pointercancel", drop);
      this.held = false;
      if (this.dragged && event.type === "pointerup") this.edits.move(number, at(event));
      else this.draw();
    };
    mark.addEventListener("pointermove", move);
    mark.addEventListener("pointerup", drop);
    mark.addEventListener("pointercancel", drop);
  }
}
