// A time line of any lanes (report/page/lanes.js): zoom, move, go somewhere. It makes its own elements.

import { colour } from "../page/colour.js";
import { View } from "../page/lanes.js";
import { make } from "../page/panels.js";
import { t } from "./texts.js";

const GAP = 6;

/** Emits "view" when another stretch of time is shown. `now()` gives the playhead, `seek(t)` moves it. */
export class Strip extends EventTarget {
  constructor(root, { start, end, now = () => start, seek = () => {}, label }) {
    super();
    Object.assign(this, { start, end, now, seek });
    this.lanes = [];
    this.labels = make("div", { class: "labels", "aria-hidden": "true" });
    this.base = make("canvas");
    this.overlay = make("canvas");
    this.area = make("div", { class: "canvases" }, this.base, this.overlay);
    root.replaceChildren(make("div", { class: "lanes strip", role: "group", "aria-label": label }, this.labels, this.area), this.#buttons());
    this.view = new View(start, Math.max(end, start + 0.001), 1);
    this.#listen();
  }

  #buttons() {
    const button = (name, text, action) => {
      const made = make("button", { type: "button", class: "plain small", title: t(name), "aria-label": t(name) }, text);
      made.addEventListener("click", action);
      return made;
    };
    return make("div", { class: "strip-tools", role: "group", "aria-label": t("zoom") },
      button("zoom_out", "−", () => this.zoom(2)), button("zoom_in", "+", () => this.zoom(0.5)), button("zoom_fit", "↔", () => this.show(this.start, this.end)));
  }

  /** Show other lanes, one below the other. Lanes that come in tiles are drawn again as these arrive. */
  lay(lanes) {
    this.lanes = lanes;
    let y = 0;
    this.labels.replaceChildren();
    for (const lane of lanes) {
      lane.y = y;
      y += lane.height + GAP;
      const label = make("div", {}, lane.label, lane.sub ? make("small", {}, lane.sub) : null);
      label.style.top = `${lane.y + 3}px`;
      label.style.maxHeight = `${lane.height}px`;
      this.labels.append(label);
      lane.rows?.addEventListener?.("change", () => this.redraw());
    }
    this.height = Math.max(y, 20);
    this.area.style.height = `${this.height}px`;
    this.resize();
  }

  show(a, b) {
    const all = this.end - this.start;
    const span = Math.min(Math.max(b - a, Math.min(0.05, all)), all);
    const first = Math.min(Math.max((a + b) / 2 - span / 2, this.start), this.end - span);
    this.view = new View(first, first + span, this.width);
    this.redraw();
    this.dispatchEvent(new Event("view"));
  }

  zoom(factor, about = null) {
    const { a, b } = this.view;
    const at = about ?? Math.min(Math.max(this.now(), a), b);
    this.show(at - (at - a) * factor, at + (b - at) * factor);
  }

  /** Bring an instant into view. */
  reveal(at) {
    const { a, b } = this.view;
    if (at < a || at > b) this.show(at - (b - a) / 4, at + (3 * (b - a)) / 4);
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.width = Math.max(50, this.area.clientWidth);
    for (const canvas of [this.base, this.overlay]) {
      canvas.width = Math.round(this.width * ratio);
      canvas.height = Math.round(this.height * ratio);
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.view = new View(this.view.a, this.view.b, this.width);
    this.#draw();
    this.dispatchEvent(new Event("view"));
  }

  redraw() {
    if (this.queued) return;
    this.queued = requestAnimationFrame(() => { this.queued = 0; this.#draw(); });
  }

  #draw() {
    const ctx = this.base.getContext("2d");
    ctx.clearRect(0, 0, this.width, this.height);
    for (const lane of this.lanes) {
      ctx.save();
      ctx.beginPath();
      ctx.rect(0, lane.y, this.width, lane.height);
      ctx.clip();
      lane.draw(ctx, { y: lane.y, height: lane.height }, this.view);
      ctx.restore();
    }
    this.drawPlayhead();
  }

  drawPlayhead() {
    const ctx = this.overlay.getContext("2d");
    ctx.clearRect(0, 0, this.width, this.height);
    ctx.fillStyle = colour("play");
    ctx.fillRect(this.view.x(this.now()) - 0.75, 0, 1.5, this.height);
  }

  #listen() {
    new ResizeObserver(() => { if (this.area.clientWidth && this.area.clientWidth !== this.width) this.resize(); }).observe(this.area);
    addEventListener("themechange", () => this.redraw());
    this.area.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest("button")) return;
      const box = this.area.getBoundingClientRect();
      this.seek(Math.min(Math.max(this.view.t(event.clientX - box.left), this.start), this.end));
    });
    this.area.addEventListener("wheel", (event) => {
      const whole = this.view.b - this.view.a >= 0.999 * (this.end - this.start);
      if (whole && event.deltaY > 0) return; // the page scrolls on
      event.preventDefault();
      const box = this.area.getBoundingClientRect();
      const { a, b, scale } = this.view;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.show(a + (event.deltaX || event.deltaY) / scale, b + (event.deltaX || event.deltaY) / scale);
      else this.zoom(Math.exp(event.deltaY * 0.002), this.view.t(event.clientX - box.left));
    }, { passive: false });
  }
}
