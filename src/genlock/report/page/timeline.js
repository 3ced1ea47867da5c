// The timeline: which span of time is in view, what is drawn there, and what pointer and wheel do to it.

import { colour } from "./colour.js";
import { clockText, countText, lengthText } from "./format.js";
import { LaneCanvas } from "./lane_canvas.js";
import { CurveLane, FrameLane, Ruler, SpectrogramLane, View, WaveLane, WordLane } from "./lanes.js";

const GAP = 6;
const WIDEST = 200; // pixels that a picture of the film strip takes at most

/**
 * `tools` may take a press of the pointer for itself: `grab(place)` gives null, or an object with `move(place, event)`
 * and `drop(moved, event)`; `cursor(place)` names the pointer's form there or null; `draw(ctx, view, lanes)` draws
 * over the lanes.
 */
export class Timeline extends EventTarget {
  constructor(model, player, strip, { root = document, tools = null } = {}) {
    super();
    Object.assign(this, { model, player, strip, tools });
    const part = (name) => root.querySelector(`#${name}`);
    this.root = part("lanes");
    this.area = part("canvases");
    this.base = new LaneCanvas(part("base"), (ctx, view) => this.#paint(ctx, view));
    this.overlay = part("overlay");
    this.overview = part("overview");
    this.labels = part("labels");
    this.lanes = this.#makeLanes();
    const margin = Math.max(0.01, (player.end - player.start) * 0.004);
    this.extent = { a: player.start - margin, b: player.end + margin };
    this.view = new View(this.extent.a, this.extent.b, 1);
    this.hover = null;
    this.touched = 0;
    this.#layLanes();
    this.#listen();
    this.resize();
  }

  #makeLanes() {
    const { model } = this;
    const lanes = [new Ruler()];
    if (model.frames) lanes.push(new FrameLane(model.frames, this.strip));
    if (model.words.placed.length || model.editable) lanes.push(new WordLane(model.words));
    if (model.waveform) lanes.push(new WaveLane(model.waveform));
    if (model.spectrogram) lanes.push(new SpectrogramLane(model.spectrogram));
    model.curves.forEach((curve, number) => lanes.push(new CurveLane(curve, number)));
    return [...lanes, ...(this.extra ?? [])];
  }

  #layLanes() {
    const { labels } = this;
    labels.replaceChildren();
    let y = 0;
    for (const lane of this.lanes) {
      lane.y = y;
      y += lane.height + GAP;
      const label = document.createElement("div");
      label.style.top = `${lane.y + (lane.key === "ruler" ? 3 : 4)}px`;
      label.style.maxHeight = `${lane.height}px`;
      label.textContent = lane.label;
      if (lane.sub) {
        const sub = document.createElement("small");
        sub.textContent = lane.sub;
        label.append(sub);
      }
      labels.append(label);
    }
    this.height = y;
    this.area.style.height = `${y}px`;
  }

  // ------------------------------------------------------------ the view

  get leastSpan() {
    const { frames, waveform } = this.model;
    return Math.min(frames ? 4 * frames.period : 0.05, waveform ? Math.max(0.004, 60 * waveform.period) : 0.1, this.extent.b - this.extent.a);
  }

  show(a, b) {
    const all = this.extent.b - this.extent.a;
    const span = Math.min(Math.max(b - a, this.leastSpan), all);
    const middle = (a + b) / 2;
    const start = this.base.steady(Math.min(Math.max(middle - span / 2, this.extent.a), this.extent.b - span), this.width / span);
    this.view = new View(start, start + span, this.width);
    this.#drawSoon();
    this.dispatchEvent(new Event("view"));
  }

  showAll() {
    this.show(this.extent.a, this.extent.b);
  }

  /** Show these lanes below the others. */
  setExtra(lanes) {
    this.extra = lanes;
    this.lanes = this.#makeLanes();
    this.#layLanes();
    this.redraw();
    this.resize();
  }

  /** The model's words have changed. */
  wordsChanged() {
    const lane = this.lanes.find((each) => each.key === "words");
    if (lane) lane.words = this.model.words;
    this.redraw();
  }

  /** Zoom about an instant, which stays where it is. */
  zoom(factor, about = null) {
    const { a, b } = this.view;
    const t = about ?? Math.min(Math.max(this.player.time(), a), b);
    const all = this.extent.b - this.extent.a;
    const span = Math.min(Math.max((b - a) * factor, this.leastSpan), all);
    const start = t - ((t - a) / (b - a)) * span;
    this.show(start, start + span);
  }

  pan(seconds) {
    this.show(this.view.a + seconds, this.view.b + seconds);
  }

  /** Bring an instant into view; while playing, turn the page just before its end. */
  follow(t) {
    const { a, b } = this.view;
    const span = b - a;
    if (performance.now() - this.touched < 1500 || (t >= a && t <= b - 0.04 * span)) return;
    if (span >= 0.999 * (this.extent.b - this.extent.a)) return;
    if (t > b - 0.04 * span && b >= this.extent.b - 1e-9 && t <= b) return;
    this.show(t - 0.08 * span, t + 0.92 * span);
  }

  // ------------------------------------------------------------ drawing

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(50, this.area.clientWidth);
    const wide = [this.overview.clientWidth, this.overview.clientHeight];
    const sizes = [width, this.height, ...wide, ratio].join(" ");
    if (sizes === this.sizes) return; // many ask, and few have changed anything
    this.sizes = sizes;
    this.width = width;
    this.overviewSize = wide;
    for (const [canvas, w, h] of [[this.overlay, width, this.height], [this.overview, ...wide]]) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.base.resize(width, this.height);
    this.overviewBase = null;
    this.view = new View(this.view.a, this.view.b, width);
    this.#draw(); // at once: setting its size has emptied the canvas, and the next paint would show that
  }

  /** Rows have come that were not here: all of `a` to `b`, `period` seconds each. */
  arrived({ a, b, period }) {
    if (period > (this.extent.b - this.extent.a) / this.overviewSize[0] / 2) this.overviewBase = null; // as coarse as the overview
    this.redraw({ a, b });
  }

  /** Draw again, with the next picture of the screen: what lies in a stretch of time, or everything. */
  redraw({ a = -Infinity, b = Infinity } = {}) {
    this.base.spoil(a, b);
    this.#drawSoon();
  }

  #drawSoon() {
    if (this.queued) return;
    this.queued = requestAnimationFrame(() => {
      this.queued = 0;
      this.#draw();
    });
  }

  #draw() {
    this.base.show(this.view);
    this.lanes.find((lane) => lane.key === "frames")?.want(this.view);
    this.drawOverlay();
    this.#drawOverview();
  }

  /** All lanes over a stretch of time. */
  #paint(ctx, view) {
    ctx.fillStyle = colour("line-soft");
    for (const lane of this.lanes.slice(1)) ctx.fillRect(0, lane.y - GAP / 2, view.width, 1);
    for (const lane of this.lanes) {
      ctx.save();
      ctx.beginPath();
      ctx.rect(0, lane.y, view.width, lane.height);
      ctx.clip();
      lane.draw(ctx, { y: lane.y, height: lane.height }, view);
      ctx.restore();
    }
    this.#shadeOutside(ctx, view);
  }

  /** What lies before the first and after the last instant of the file. */
  #shadeOutside(ctx, view) {
    ctx.fillStyle = colour("bg", 0.6);
    const left = view.x(this.player.start);
    const right = view.x(this.player.end);
    if (left > 0) ctx.fillRect(0, 0, left, this.height);
    if (right < view.width) ctx.fillRect(right, 0, view.width - right, this.height);
  }

  drawOverlay() {
    const ctx = this.overlay.getContext("2d");
    const { view, player, height } = this;
    const t = player.time();
    ctx.clearRect(0, 0, this.width, height);
    if (player.range) this.#drawRange(ctx, player.range);
    this.#drawFrameCell(ctx);
    this.#drawWordNow(ctx, t);
    this.tools?.draw(ctx, view, this.lanes);
    if (this.hover !== null) {
      ctx.fillStyle = colour("text", 0.28);
      ctx.fillRect(Math.round(view.x(this.hover)), 0, 1, height);
    }
    const x = view.x(t);
    ctx.fillStyle = colour("play");
    ctx.fillRect(x - 0.75, 0, 1.5, height);
    ctx.beginPath();
    ctx.moveTo(x - 6, 0);
    ctx.lineTo(x + 6, 0);
    ctx.lineTo(x + 6, 5);
    ctx.lineTo(x, 12);
    ctx.lineTo(x - 6, 5);
    ctx.closePath();
    ctx.fill();
    this.#drawOverviewMark(t);
  }

  #drawRange(ctx, range) {
    const [left, right] = [this.view.x(range.start), this.view.x(range.end)];
    ctx.fillStyle = colour("accent", 0.13);
    ctx.fillRect(left, 0, right - left, this.height);
    ctx.fillStyle = colour("accent", 0.9);
    ctx.fillRect(left, 0, 1, this.height);
    ctx.fillRect(right - 1, 0, 1, this.height);
    ctx.fillRect(left, 0, right - left, 2);
  }

  #drawFrameCell(ctx) {
    const k = this.player.frame();
    if (k === null) return;
    const { frames } = this.model;
    const left = this.view.x(frames.edge(k));
    const width = this.view.x(frames.edge(k + 1)) - left;
    ctx.fillStyle = colour("play", width > 3 ? 0.12 : 0.2);
    ctx.fillRect(left, 0, Math.max(1, width), this.height);
  }

  #drawWordNow(ctx, t) {
    const lane = this.lanes.find((each) => each.key === "words");
    const i = lane ? this.model.words.at(t) : -1;
    if (i < 0) return;
    const word = this.model.words.placed[i];
    const left = this.view.x(word.start);
    ctx.beginPath();
    ctx.roundRect(left + 0.75, lane.y + 5.5, Math.max(2, this.view.x(word.end) - left - 1.5), lane.height - 11, 5);
    ctx.strokeStyle = colour("word");
    ctx.lineWidth = 2;
    ctx.stroke();
  }

  #overviewX(t, width) {
    return ((t - this.extent.a) / (this.extent.b - this.extent.a)) * width;
  }

  #drawOverview() {
    const { overview } = this;
    const [width, height] = this.overviewSize;
    if (!overview.width || !overview.height) return; // not laid out yet
    if (!this.overviewBase) {
      const copy = document.createElement("canvas");
      copy.width = overview.width;
      copy.height = overview.height;
      const ctx = copy.getContext("2d");
      const ratio = overview.width / width;
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      const whole = new View(this.extent.a, this.extent.b, width);
      const drawn = this.lanes.find((lane) => lane.key === "wave") ?? this.lanes.find((lane) => lane.key === "words");
      if (drawn) drawn.draw(ctx, { y: 0, height }, whole);
      this.overviewBase = copy;
    }
    this.#drawOverviewMark(this.player.time());
  }

  #drawOverviewMark(t) {
    if (!this.overviewBase) return;
    const ctx = this.overview.getContext("2d");
    const [width, height] = this.overviewSize;
    ctx.clearRect(0, 0, width, height);
    ctx.globalAlpha = 0.55;
    ctx.drawImage(this.overviewBase, 0, 0, width, height);
    ctx.globalAlpha = 1;
    const left = this.#overviewX(this.view.a, width);
    const right = this.#overviewX(this.view.b, width);
    if (right - left < width - 1) {
      ctx.fillStyle = colour("bg", 0.62);
      ctx.fillRect(0, 0, left, height);
      ctx.fillRect(right, 0, width - right, height);
      ctx.strokeStyle = colour("accent");
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      ctx.roundRect(left + 0.75, 0.75, Math.max(3, right - left - 1.5), height - 1.5, 4);
      ctx.stroke();
    }
    ctx.fillStyle = colour("play");
    ctx.fillRect(this.#overviewX(t, width) - 0.75, 0, 1.5, height);
  }

  // ------------------------------------------------------------ pointer and wheel

  #listen() {
    new ResizeObserver(() => this.resize()).observe(this.area);
    addEventListener("themechange", () => { this.overviewBase = null; this.redraw(); });
    // A picture fills more than its own frame where there is room for few.
    this.strip?.addEventListener("change", ({ detail }) => this.redraw(detail ? { a: detail.a - WIDEST / this.view.scale, b: detail.b + WIDEST / this.view.scale } : {}));
    let elsewhere = 0;
    addEventListener("wheel", (event) => {
      if (!this.root.contains(event.target)) elsewhere = event.timeStamp;
    }, { passive: true });
    this.area.addEventListener("wheel", (event) => {
      // A scroll of the page that happens to pass over the timeline stays a scroll of the page.
      if (event.timeStamp - elsewhere < 300 && !event.ctrlKey) { elsewhere = event.timeStamp; return; }
      this.#wheel(event);
    }, { passive: false });
    this.#listenPointers();
    this.#listenOverview();
  }

  #wheel(event) {
    const unit = event.deltaMode === 1 ? 18 : 1;
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    const whole = this.view.b - this.view.a >= 0.999 * (this.extent.b - this.extent.a);
    this.touched = performance.now();
    if (sideways) {
      if (whole) return;
      event.preventDefault();
      this.pan(((event.deltaX || event.deltaY) * unit) / this.view.scale);
    } else {
      if (whole && event.deltaY > 0 && !event.ctrlKey) return;
      event.preventDefault();
      const strength = event.ctrlKey ? 0.01 : 0.002;
      this.zoom(Math.exp(event.deltaY * unit * strength), this.view.t(event.offsetX));
    }
  }

  #laneAt(y) {
    return this.lanes.find((lane) => y >= lane.y && y < lane.y + lane.height) ?? this.lanes[0];
  }

  #place(event) {
    const box = this.area.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x, y, t: this.view.t(x), lane: this.#laneAt(y) };
  }

  #wordAt(place) {
    return place.lane.key === "words" ? this.model.words.at(place.t) : -1;
  }

  #listenPointers() {
    const down = new Map();
    let drag = null;
    this.area.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      const place = this.#place(event);
      down.set(event.pointerId, place);
      this.area.setPointerCapture(event.pointerId);
      this.touched = performance.now();
      if (down.size === 2) { drag = { kind: "pinch", ...this.#pinch(down), view: this.view }; return; }
      const held = this.tools?.grab(place, event);
      if (held) { drag = { kind: "tool", held, place, view: this.view, moved: false }; return; }
      const kind = event.shiftKey ? "select" : place.lane.key === "ruler" ? "scrub" : "pan";
      drag = { kind, place, view: this.view, moved: false };
      if (kind === "scrub") this.player.seek(place.t);
    });
    this.area.addEventListener("pointermove", (event) => {
      const place = this.#place(event);
      if (down.has(event.pointerId)) down.set(event.pointerId, place);
      if (!drag) { this.#hovered(place); return; }
      this.touched = performance.now();
      this.#dragged(drag, place, down, event);
    });
    const up = (event) => {
      if (!down.delete(event.pointerId)) return;
      const place = this.#place(event);
      const done = drag;
      if (down.size === 0) drag = null;
      if (done?.kind === "tool") { done.held.drop(done.moved && event.type === "pointerup", event); if (done.moved) return; }
      if (done && event.type === "pointerup" && done.kind !== "pinch" && !done.moved) this.#clicked(place, event);
    };
    this.area.addEventListener("pointerup", up);
    this.area.addEventListener("pointercancel", up);
    this.area.addEventListener("pointerleave", () => { this.hover = null; this.drawOverlay(); this.#tell(null); });
    this.area.addEventListener("dblclick", (event) => {
      const i = this.#wordAt(this.#place(event));
      if (i < 0) return;
      const word = this.model.words.placed[i];
      const length = word.end - word.start;
      this.show(word.start - 0.6 * length, word.end + 0.6 * length);
    });
  }

  #pinch(down) {
    const [p, q] = [...down.values()];
    return { distance: Math.max(20, Math.abs(p.x - q.x)), middle: (p.x + q.x) / 2 };
  }

  #dragged(drag, place, down, event) {
    if (drag.kind === "pinch") {
      if (down.size < 2) return;
      const now = this.#pinch(down);
      const { view } = drag;
      const span = ((view.b - view.a) * drag.distance) / now.distance;
      const a = view.t(drag.middle) - (now.middle / this.width) * span;
      this.show(a, a + span);
      return;
    }
    if (!drag.moved && Math.abs(place.x - drag.place.x) < 4) return;
    drag.moved = true;
    if (drag.kind === "tool") {
      drag.held.move(place, event);
    } else if (drag.kind === "scrub") {
      this.player.seek(place.t);
    } else if (drag.kind === "select") {
      const [a, b] = [drag.place.t, place.t].sort((p, q) => p - q);
      this.player.setRange({ start: Math.max(a, this.player.start), end: Math.min(b, this.player.end), once: false });
    } else {
      const seconds = (drag.place.x - place.x) / drag.view.scale;
      this.show(drag.view.a + seconds, drag.view.b + seconds);
    }
  }

  #clicked(place, event) {
    const i = this.#wordAt(place);
    if (i >= 0) this.dispatchEvent(new CustomEvent("word", { detail: i }));
    else if (!event.shiftKey) this.player.seek(place.t);
  }

  #hovered(place) {
    this.hover = place.t;
    this.area.style.cursor = this.tools?.cursor(place) ?? (this.#wordAt(place) >= 0 ? "pointer" : place.lane.key === "ruler" ? "ew-resize" : "crosshair");
    this.drawOverlay();
    this.#tell(place.t);
  }

  /** The line under the timeline: what lies at an instant. */
  #tell(t) {
    const parts = [];
    if (t !== null) {
      parts.push(["b", clockText(t, 3)]);
      const { frames, words } = this.model;
      if (frames) {
        const k = frames.index(t);
        parts.push(["", k >= 0 && k < frames.count ? `frame ${countText(k)}` : "no picture"]);
      }
      const i = words.at(t);
      if (i >= 0) parts.push(["b", words.placed[i].text], ["", wordText(words.placed[i], frames)]);
    }
    this.dispatchEvent(new CustomEvent("tell", { detail: parts }));
  }

  #listenOverview() {
    let grab = null;
    const at = (event) => this.extent.a + (event.offsetX / this.overview.clientWidth) * (this.extent.b - this.extent.a);
    this.overview.addEventListener("pointerdown", (event) => {
      this.overview.setPointerCapture(event.pointerId);
      const t = at(event);
      const span = this.view.b - this.view.a;
      grab = t >= this.view.a && t <= this.view.b ? t - this.view.a : span / 2;
      if (span >= 0.999 * (this.extent.b - this.extent.a)) { this.player.seek(t); grab = "seek"; return; }
      this.touched = performance.now();
      this.show(t - grab, t - grab + span);
    });
    this.overview.addEventListener("pointermove", (event) => {
      if (grab === null) return;
      if (grab === "seek") { this.player.seek(at(event)); return; }
      this.touched = performance.now();
      const start = at(event) - grab;
      this.show(start, start + this.view.b - this.view.a);
    });
    for (const name of ["pointerup", "pointercancel"]) this.overview.addEventListener(name, () => { grab = null; });
  }

  spanText() {
    return lengthText(this.view.b - this.view.a);
  }
}

/** Where a word lies, in seconds and frames, how sure its source is of it and of its edges, and who says it. */
export function wordText(word, frames) {
  let text = `${clockText(word.start, 3)} to ${clockText(word.end, 3)}`;
  if (frames) {
    const first = Math.max(0, frames.index(word.start));
    const last = Math.min(frames.count - 1, frames.index(word.end - 1e-9));
    if (last >= first) text += first === last ? `, frame ${first}` : `, frames ${first} to ${last}`;
  }
  if (word.confidence !== null) text += `, confidence ${word.confidence.toFixed(2)}`;
  // A word that was corrected in the page has no such figures.
  if (typeof word.within_50ms === "number") text += `, right to 50 ms with probability ${word.within_50ms.toFixed(2)}`;
  if (word.speaker) text += `, said by ${word.speaker}`;
  return text;
}
