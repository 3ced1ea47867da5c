// Faces over the picture: a frame around each, and around its lips, in the frame that is on the screen.

import { bytesOf, firstWhere } from "./data.js";

const ROW = 12; // numbers of a row: frame (low, high), face, face's edges, lips' edges, opening
const FULL = 65535;
const SVG = document.querySelector("svg").namespaceURI; // an address in the page would look as if something were fetched

/** The faces of every frame. */
class FaceTable {
  constructor({ blob, step, speaking }) {
    this.values = new Uint16Array(bytesOf(blob).buffer);
    this.count = this.values.length / ROW;
    this.step = step;
    this.speaking = new Set(speaking);
  }

  #frame(row) {
    return this.values[ROW * row] + 65536 * this.values[ROW * row + 1];
  }

  /** The faces of frame k: { face, speaks, box, lips, opening }, boxes as shares of the picture. */
  at(k) {
    const frame = k - (k % this.step);
    const found = [];
    for (let row = firstWhere(this.count, (n) => this.#frame(n) >= frame); row < this.count && this.#frame(row) === frame; row += 1) {
      const numbers = this.values.subarray(ROW * row + 2, ROW * (row + 1));
      const share = (from) => Array.from(numbers.subarray(from, from + 4), (x) => x / FULL);
      found.push({ face: numbers[0], speaks: this.speaking.has(numbers[0]), box: share(1), lips: share(5), opening: numbers[9] / FULL });
    }
    return found;
  }
}

/** Draws them over a video that is fitted into its element, as `object-fit: contain` does. */
export class Faces {
  constructor(told, video, button) {
    button.hidden = !told;
    if (!told) return;
    this.table = new FaceTable(told);
    this.video = video;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "faces");
    this.svg.setAttribute("aria-hidden", "true");
    video.after(this.svg);
    this.button = button;
    button.addEventListener("click", () => this.turn());
    this.on = true;
    this.turn(true);
  }

  turn(on = !this.on) {
    if (!this.table) return;
    this.on = on;
    this.button.setAttribute("aria-pressed", String(on));
    this.svg.toggleAttribute("hidden", !on);
    this.shown = undefined;
    this.show(this.frame ?? null);
  }

  show(k) {
    this.frame = k;
    if (!this.table || !this.on || !this.video.videoWidth || k === this.shown) return;
    this.shown = k;
    const { videoWidth: width, videoHeight: height } = this.video;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const shapes = k === null ? [] : this.table.at(k).flatMap((face) => [
      this.#box(face.box, face.speaks ? "face speaks" : "face", width, height),
      this.#box(face.lips, "lips", width, height),
    ]);
    this.svg.replaceChildren(...shapes);
  }

  #box([left, top, right, bottom], name, width, height) {
    const box = document.createElementNS(SVG, "rect");
    const attributes = { x: left * width, y: top * height, width: (right - left) * width, height: (bottom - top) * height, rx: (name === "lips" ? 0.01 : 0.03) * width, class: name };
    for (const [key, value] of Object.entries(attributes)) box.setAttribute(key, value);
    return box;
  }
}
