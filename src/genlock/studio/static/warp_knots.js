// The knots of the Warp in the picture of similarity: dragged by mouse or finger, and moved by the arrows.

import { make } from "../page/panels.js";
import { t } from "./texts.js";

const [MS, SECONDS] = [0.001, 0.04]; // what an arrow moves; ten times as much with Shift

/** Handles over the picture, one for each step of the table, which stays the one place where the Warp is. */
export class WarpKnots {
  constructor(picture, table) {
    Object.assign(this, { picture, table, handles: [] });
    this.box = make("div", { class: "knots", role: "group", "aria-label": t("warp_knots") });
    picture.canvas.parentElement.insertBefore(this.box, picture.canvas);
    picture.addEventListener("drawn", () => this.#lay());
  }

  #lay() {
    const { steps } = this.table;
    while (this.handles.length > steps.length) this.handles.pop().remove();
    while (this.handles.length < steps.length) this.handles.push(this.#handle(this.handles.length));
    const { x, y } = this.picture.place;
    const { canvas } = this.picture;
    this.box.style.top = `${canvas.offsetTop}px`;
    this.box.style.left = `${canvas.offsetLeft}px`;
    steps.forEach(({ start, offset }, k) => {
      const from = k ? start : this.picture.start;
      const handle = this.handles[k];
      handle.style.left = `${x(from)}px`;
      handle.style.top = `${y(offset + this.table.drift * 1e-6 * from)}px`;
      handle.setAttribute("aria-label", t("warp_knot", { number: k + 1, start: from.toFixed(3), offset: (1000 * offset).toFixed(1) }));
    });
  }

  #handle(k) {
    const handle = make("button", { type: "button", class: "knot", "data-knot": k });
    handle.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      handle.setPointerCapture(event.pointerId);
      this.picture.hold(true);
      this.held = k;
    });
    handle.addEventListener("pointermove", (event) => {
      if (this.held !== k) return;
      const box = this.picture.canvas.getBoundingClientRect();
      const { at, offset } = this.picture.place;
      const start = at(event.clientX - box.left);
      this.#put(k, start, offset(event.clientY - box.top) - this.table.drift * 1e-6 * start);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      handle.addEventListener(name, () => { this.held = null; this.picture.hold(false); });
    }
    handle.addEventListener("keydown", (event) => {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
      if (dx === undefined) return;
      event.preventDefault();
      const step = this.table.steps[k];
      const far = event.shiftKey ? 10 : 1;
      this.#put(k, step.start + dx * far * SECONDS, step.offset + dy * far * MS);
    });
    this.box.append(handle);
    return handle;
  }

  /** A knot stays between its neighbours; the first begins with the film. */
  #put(k, start, offset) {
    const { steps } = this.table;
    const low = k ? steps[k - 1].start + MS : 0;
    const high = (steps[k + 1]?.start ?? this.picture.end) - MS;
    const moved = k ? Math.min(Math.max(start, low), Math.max(high, low)) : steps[0].start;
    this.table.put(k, { start: Math.round(moved * 1000) / 1000, offset: Math.round(offset * 10000) / 10000 });
  }
}
