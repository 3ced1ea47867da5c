// The similarity of sound and picture: over time and lags as a picture, of each face as a curve; and the Warp over it.

import { colour, ramp } from "../page/colour.js";
import { clockText, niceStep } from "../page/format.js";
import { Exact } from "../page/exact.js";
import { t } from "./texts.js";

const [LEFT, BOTTOM, FACES, HEAT] = [56, 26, 92, 230];
const NARROWEST = 70; // pixels between two times
const STANDARDS = [[-0.125, 0.045, 0.05], [-0.06, 0.04, 0.09]]; // BT.1359 and R37: later and earlier than the picture

/**
 * Draws what was measured. `steps` is the Warp by hand: [{ start, offset }] in seconds, with a drift. Its knots, where each
 * step begins, are drawn as handles by whoever asks `place` where they lie ("drawn" is told when that has changed).
 */
export class SimilarityPicture extends EventTarget {
  constructor(canvas) {
    super();
    this.canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    addEventListener("themechange", () => this.draw());
  }

  show({ similarity, pieces, duration, start }) {
    Object.assign(this, { similarity, pieces, start, end: start + duration });
    this.image = similarity?.over_time.length ? this.#heat(similarity) : null;
    this.draw();
  }

  setSteps(steps, drift) {
    Object.assign(this, { steps, drift });
    this.draw();
  }

  /** One column a stretch, one row a lag, early sound above. */
  #heat({ lags, over_time: rows }) {
    const canvas = new OffscreenCanvas(rows.length, lags.length);
    const ctx = canvas.getContext("2d");
    const image = ctx.createImageData(rows.length, lags.length);
    const table = new Uint32Array(ramp().buffer);
    const pixels = new Uint32Array(image.data.buffer);
    rows.forEach(({ values }, column) => values.forEach((value, lag) => { pixels[(lags.length - 1 - lag) * rows.length + column] = table[value]; }));
    ctx.putImageData(image, 0, 0);
    this.spans = rows.map((row) => [Exact.of(row.start).number, Exact.of(row.end).number]);
    return canvas;
  }

  draw() {
    const { canvas } = this;
    const width = canvas.parentElement.clientWidth;
    if (!this.pieces || !width) return;
    const ratio = window.devicePixelRatio || 1;
    const faces = this.similarity ? [{ values: this.similarity.whole, label: t("whole") }, ...this.similarity.faces.map((face) => ({ ...face, label: t("face", { number: face.face }) }))] : [];
    const heat = HEAT;
    const height = heat + BOTTOM + (faces.length ? FACES + BOTTOM : 0);
    canvas.style.height = `${height}px`;
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.font = "11px ui-sans-serif, system-ui, sans-serif";
    this.#drawTime(ctx, { width, height: heat });
    if (faces.length) this.#drawFaces(ctx, faces, { width, top: heat + BOTTOM, height: FACES });
    this.dispatchEvent(new Event("drawn"));
  }

  /** The film's instants and the sound's offsets as pixels of the picture, and back. */
  get place() {
    const [width, height] = [this.canvas.parentElement.clientWidth - LEFT - 8, HEAT - 8];
    const [low, high] = this.held ?? this.reach;
    const length = Math.max(this.end - this.start, 1e-6);
    return {
      x: (at) => LEFT + ((at - this.start) / length) * width,
      y: (offset) => 4 + ((high - offset) / (high - low)) * height,
      at: (x) => this.start + ((x - LEFT) / width) * length,
      offset: (y) => high - ((y - 4) / height) * (high - low),
    };
  }

  /** While something is dragged the axes stay: they would run away from the pointer. */
  hold(on) {
    this.held = on ? this.reach : null;
    this.draw();
  }

  get reach() {
    const offsets = [...this.pieces.map((piece) => piece.offset_seconds ?? 0), ...(this.steps ?? []).map((step) => step.offset)];
    const lags = this.image ? this.similarity.lags : [-0.2, 0.2]; // without a picture over time only the Warp is shown
    return [Math.min(lags[0], ...offsets.map((o) => o - 0.05)), Math.max(lags.at(-1), ...offsets.map((o) => o + 0.05))];
  }

  #drawTime(ctx, { width, height }) {
    const [low, high] = this.held ?? this.reach;
    const { x, y } = this.place;
    ctx.fillStyle = colour("well");
    ctx.fillRect(LEFT, 0, width - LEFT - 8, height);
    if (this.image) {
      const { lags } = this.similarity;
      const half = (lags[1] - lags[0]) / 2;
      const [top, bottom] = [y(lags.at(-1) + half), y(lags[0] - half)];
      // Each stretch lies where it was measured: gaps stay gaps.
      this.spans.forEach(([from, to], k) => ctx.drawImage(this.image, k, 0, 1, lags.length, x(from), top, Math.max(1, x(to) - x(from)), bottom - top));
    }
    for (const [late, early, strength] of STANDARDS) {
      ctx.fillStyle = colour("good", strength + 0.05);
      ctx.fillRect(LEFT, y(early), width - LEFT - 8, y(late) - y(early));
    }
    ctx.fillStyle = colour("text", 0.4);
    ctx.fillRect(LEFT, y(0), width - LEFT - 8, 1);
    ctx.fillStyle = colour("muted");
    ctx.textBaseline = "middle";
    const rung = niceStep((high - low) / 7);
    for (let n = Math.ceil(low / rung); n * rung <= high; n += 1) ctx.fillText(`${Math.round(n * rung * 1000)} ms`, 4, Math.min(Math.max(y(n * rung), 7), height - 7));
    const step = niceStep(((this.end - this.start) * NARROWEST) / Math.max(width - LEFT, NARROWEST));
    for (let n = Math.ceil(this.start / step); n * step <= this.end; n += 1) ctx.fillText(clockText(n * step, step < 1 ? 1 : 0), x(n * step), height + 13);
    this.#drawPieces(ctx, x, y);
    this.#drawSteps(ctx, x, y);
  }

  #drawPieces(ctx, x, y) {
    for (const piece of this.pieces) {
      if (piece.offset_seconds === null) continue;
      const [left, right] = [x(piece.start_seconds), x(piece.end_seconds)];
      const [low, high] = piece.interval_seconds ?? [piece.offset_seconds, piece.offset_seconds];
      ctx.fillStyle = colour("text", 0.8);
      ctx.fillRect((left + right) / 2, y(high), 1, y(low) - y(high));
      ctx.fillRect(left, y(piece.offset_seconds) - 1, right - left, 2);
    }
  }

  /** The Warp by hand: by how much the sound is moved at each instant. */
  #drawSteps(ctx, x, y) {
    const { steps, drift } = this;
    if (!steps?.length) return;
    ctx.strokeStyle = colour("play");
    ctx.lineWidth = 2;
    ctx.beginPath();
    steps.forEach(({ start, offset }, k) => {
      const from = k ? start : this.start;
      const to = steps[k + 1]?.start ?? this.end;
      const moved = (at) => offset + drift * 1e-6 * at;
      ctx.lineTo(x(from), y(moved(from)));
      ctx.lineTo(x(to), y(moved(to)));
    });
    ctx.stroke();
  }

  #drawFaces(ctx, faces, { width, top, height }) {
    const { lags } = this.similarity;
    const x = (lag) => LEFT + ((lag - lags[0]) / (lags.at(-1) - lags[0])) * (width - LEFT - 8);
    ctx.fillStyle = colour("well");
    ctx.fillRect(LEFT, top, width - LEFT - 8, height);
    ctx.fillStyle = colour("text", 0.4);
    ctx.fillRect(x(0), top, 1, height);
    faces.forEach(({ values, label }, k) => {
      ctx.strokeStyle = ctx.fillStyle = colour(k ? `curve${(k - 1) % 4}` : "text");
      ctx.lineWidth = k ? 1.3 : 2;
      ctx.beginPath();
      values.forEach((value, n) => { if (value) ctx.lineTo(x(lags[n]), top + height - 4 - (value / 255) * (height - 8)); });
      ctx.stroke();
      ctx.fillText(label, LEFT + 6 + 90 * k, top + 10);
    });
    ctx.fillStyle = colour("muted");
    const rung = niceStep((lags.at(-1) - lags[0]) / 10);
    for (let n = Math.ceil(lags[0] / rung); n * rung <= lags.at(-1); n += 1) ctx.fillText(String(Math.round(n * rung * 1000)), x(n * rung) - 8, top + height + 13);
  }
}
