// What the lanes have drawn, kept in upright pieces: while the view only moves, the pieces move, and what is new is drawn.

import { View } from "./lanes.js";

const ACROSS = 4; // pieces that fill the view; one more lies half outside on either side
const SAME = 1e-9; // scales that differ by less are one

/**
 * `box` holds the pieces; `paint(ctx, view)` draws a stretch of time. A piece covers whole pixels of a line that is fixed
 * while the scale is: it is drawn once, and carried along by the browser's own composing.
 */
export class LaneCanvas {
  constructor(box, paint) {
    Object.assign(this, { box, paint });
    this.pieces = new Map(); // number on the line: canvas
    this.spare = [];
    this.scale = null;
  }

  /** Give the pieces their size; what was drawn is gone. */
  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    this.step = Math.ceil(width / ACROSS);
    this.box.replaceChildren();
    this.pieces.clear();
    this.spare = Array.from({ length: ACROSS + 2 }, () => {
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(this.step * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${this.step}px`;
      canvas.style.height = `${height}px`;
      canvas.hidden = true;
      canvas.getContext("2d").setTransform(canvas.width / this.step, 0, 0, canvas.height / height, 0, 0);
      return canvas;
    });
    this.box.append(...this.spare);
    this.height = height;
    this.scale = null;
  }

  /** An instant at which a view that was moved by whole pixels begins, so that nothing is drawn between two of them. */
  steady(a, scale) {
    if (!this.#sameScale(scale)) return a;
    return this.origin + Math.round((a - this.origin) * scale) / scale;
  }

  /** Draw again what covers a stretch of time at the next `show`; all of it if none is named. */
  spoil(a = -Infinity, b = Infinity) {
    if (this.scale === null) return;
    for (const number of [...this.pieces.keys()]) {
      const view = this.#view(number);
      if (view.a <= b && view.b >= a) this.#drop(number);
    }
  }

  show(view) {
    if (!this.#sameScale(view.scale)) {
      this.spoil();
      this.scale = view.scale;
      this.origin = view.a;
    }
    const left = Math.round((view.a - this.origin) * this.scale);
    const first = Math.floor(left / this.step);
    const last = Math.floor((left + view.width - 1) / this.step);
    for (const number of [...this.pieces.keys()]) if (number < first || number > last) this.#drop(number);
    for (let number = first; number <= last; number += 1) {
      const canvas = this.pieces.get(number) ?? this.#draw(number);
      canvas.style.transform = `translateX(${number * this.step - left}px)`;
    }
  }

  #sameScale(scale) {
    return this.scale !== null && Math.abs(scale / this.scale - 1) < SAME;
  }

  #view(number) {
    const a = this.origin + (number * this.step) / this.scale;
    const view = new View(a, a + this.step / this.scale, this.step);
    view.scale = this.scale;
    return view;
  }

  #draw(number) {
    const canvas = this.spare.pop();
    const ctx = canvas.getContext("2d");
    ctx.clearRect(0, 0, this.step, this.height);
    this.paint(ctx, this.#view(number));
    canvas.hidden = false;
    this.pieces.set(number, canvas);
    return canvas;
  }

  #drop(number) {
    const canvas = this.pieces.get(number);
    canvas.hidden = true;
    this.pieces.delete(number);
    this.spare.push(canvas);
  }
}
