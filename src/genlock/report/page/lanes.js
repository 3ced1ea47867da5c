// The rows of the timeline. Each draws itself into its own strip, for the span of time in view.

import { firstWhere } from "./data.js";
import { colour, ramp } from "./colour.js";
import { clockText, niceStep } from "./format.js";

const TIME_STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
const FONT = '11px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const MONO = '11px ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace';

/** Time and pixels: `x(t)` and `t(x)` for a canvas of `width` pixels that shows [a, b). */
export class View {
  constructor(a, b, width) {
    Object.assign(this, { a, b, width, scale: width / (b - a) });
  }

  x(t) {
    return (t - this.a) * this.scale;
  }

  t(x) {
    return this.a + x / this.scale;
  }
}

export class Ruler {
  key = "ruler";
  label = "time";
  height = 26;

  draw(ctx, box, view) {
    const step = niceStep(86 / view.scale, TIME_STEPS);
    const digits = step >= 1 ? 0 : Math.min(3, Math.ceil(-Math.log10(step) - 1e-9));
    const minor = step / 5;
    ctx.fillStyle = colour("line");
    for (let n = Math.ceil(view.a / minor); n * minor <= view.b; n += 1) {
      const x = Math.round(view.x(n * minor));
      const major = n % 5 === 0;
      ctx.fillRect(x, box.y + box.height - (major ? 9 : 4), 1, major ? 9 : 4);
    }
    ctx.fillStyle = colour("muted");
    ctx.font = MONO;
    ctx.textBaseline = "middle";
    for (let n = Math.floor(view.a / step); n * step <= view.b; n += 1) {
      ctx.fillText(clockText(n * step, digits), view.x(n * step) + 4, box.y + 11);
    }
  }
}

/** The frames: pictures where there is room, and each cell's edge and number. */
export class FrameLane {
  key = "frames";
  label = "frames";

  constructor(frames, strip) {
    this.frames = frames;
    this.strip = strip;
    this.film = strip ? 48 : 0;
    this.height = this.film + 22;
  }

  draw(ctx, box, view) {
    const { frames } = this;
    const first = Math.max(0, frames.index(view.a));
    const stop = Math.min(frames.count, frames.index(view.b) + 1);
    if (this.strip) this.#drawFilm(ctx, box, view);
    this.#drawTicks(ctx, { y: box.y + this.film, height: box.height - this.film }, view, first, stop);
  }

  /** Slots of 2^n frames, counted from frame 0, so that they stay where they are while the view moves. */
  #slots(view) {
    const { frames, strip } = this;
    const least = this.film * strip.aspect * 0.9;
    let slot = 1;
    while (slot * frames.period * view.scale < least && slot < frames.count) slot *= 2;
    const stop = Math.min(frames.count, frames.index(view.b) + 1);
    const found = [];
    for (let k = Math.floor(Math.max(0, frames.index(view.a)) / slot) * slot; k < stop; k += slot) {
      found.push({ first: k, stop: Math.min(k + slot, frames.count), shown: Math.min(k + (slot >> 1), frames.count - 1) });
    }
    return found;
  }

  #drawFilm(ctx, box, view) {
    const { frames, strip } = this;
    for (const { first, stop, shown } of this.#slots(view)) {
      const left = view.x(frames.edge(first));
      const width = view.x(frames.edge(stop)) - left;
      ctx.fillStyle = colour("well");
      ctx.fillRect(left + 0.5, box.y, width - 1, this.film - 1);
      const picture = strip.get(shown);
      if (picture) drawCovering(ctx, picture, left + 0.5, box.y, width - 1, this.film - 1);
    }
  }

  /** Ask for the pictures of a view that are not here, from its middle outwards. */
  want(view) {
    if (!this.strip) return;
    const centre = this.frames.index((view.a + view.b) / 2);
    const wanted = this.#slots(view).map((slot) => slot.shown);
    this.strip.want(wanted.sort((p, q) => Math.abs(p - centre) - Math.abs(q - centre)));
  }

  #drawTicks(ctx, box, view, first, stop) {
    const { frames } = this;
    const pixels = frames.period * view.scale;
    const step = Math.max(1, niceStep(Math.max(1, 46 / pixels)));
    const tick = pixels >= 5 ? 1 : Math.max(1, niceStep(Math.max(1, 6 / pixels)));
    if (pixels >= 9) {
      ctx.fillStyle = colour("raised");
      for (let k = first + (first % 2); k < stop; k += 2) {
        const left = view.x(frames.edge(k));
        ctx.fillRect(left, box.y, view.x(frames.edge(k + 1)) - left, box.height);
      }
    }
    ctx.fillStyle = colour("line");
    for (let k = Math.floor(first / tick) * tick; k <= stop; k += tick) {
      if (k % step) ctx.fillRect(Math.round(view.x(frames.edge(k))), box.y, 1, pixels >= 5 ? box.height : 5);
    }
    ctx.font = MONO;
    ctx.textBaseline = "middle";
    for (let k = Math.floor(first / step) * step; k <= stop; k += step) {
      const x = Math.round(view.x(frames.edge(k)));
      ctx.fillStyle = colour("faint");
      ctx.fillRect(x, box.y, 1, 8);
      if (k < frames.count) ctx.fillText(String(k), x + 4, box.y + 12);
    }
  }
}

function drawCovering(ctx, picture, x, y, width, height) {
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [width / scale, height / scale];
  ctx.drawImage(picture, (picture.width - w) / 2, (picture.height - h) / 2, w, h, x, y, width, height);
}

export class WordLane {
  key = "words";
  label = "words";
  height = 34;

  constructor(words) {
    this.words = words;
  }

  draw(ctx, box, view) {
    const { placed } = this.words;
    const first = firstWhere(placed.length, (k) => placed[k].end >= view.a);
    ctx.textBaseline = "middle";
    let painted = -1;
    for (let i = first; i < placed.length && placed[i].start < view.b; i += 1) {
      const word = placed[i];
      const left = view.x(word.start);
      const width = view.x(word.end) - left;
      if (width < 2) {
        // Too many for boxes: one mark per pixel.
        if (Math.round(left) > painted) {
          painted = Math.round(left);
          ctx.fillStyle = colour("word", 0.55);
          ctx.fillRect(painted, box.y + 8, 1, box.height - 16);
        }
        continue;
      }
      this.#drawWord(ctx, word, left, box.y + 5, width, box.height - 10);
    }
  }

  #measure(ctx, text) {
    ctx.font = `13px ${FONT.slice(5)}`;
    return ctx.measureText(text).width || 1;
  }

  #drawWord(ctx, word, x, y, width, height) {
    const sure = word.confidence;
    const low = sure !== null && sure < 0.5;
    ctx.beginPath();
    ctx.roundRect(x + 0.75, y + 0.5, Math.max(1, width - 1.5), height - 1, Math.min(5, width / 3));
    ctx.fillStyle = colour("word", sure === null ? 0.2 : 0.06 + 0.26 * sure);
    ctx.fill();
    ctx.setLineDash(low ? [3, 3] : []);
    ctx.strokeStyle = colour("word", sure === null ? 0.7 : 0.35 + 0.5 * sure);
    ctx.lineWidth = 1;
    if (width > 4) ctx.stroke();
    ctx.setLineDash([]);
    if (width < 16) return;
    ctx.save();
    ctx.clip();
    ctx.fillStyle = colour("text");
    const full = this.#measure(ctx, word.text);
    const size = Math.max(10, Math.min(13, (13 * (width - 7)) / full));
    const text = (full * size) / 13;
    ctx.font = `${size}px ${FONT.slice(5)}`;
    ctx.fillText(word.text, text <= width - 4 ? x + (width - text) / 2 : x + 4, y + height / 2 + 0.5);
    ctx.restore();
  }
}

/** Labelled spans: phones, shots, events. Each is { text, start, end, confidence }. */
export class SpanLane extends WordLane {
  height = 26;

  constructor(label, placed) {
    super({ placed });
    this.key = `spans ${label}`;
    this.label = label;
  }
}

export class WaveLane {
  key = "wave";
  label = "waveform";
  height = 70;

  constructor(rows) {
    this.rows = rows;
    this.sub = rows.note;
  }

  draw(ctx, box, view) {
    const { rows } = this;
    const middle = box.y + box.height / 2;
    const half = box.height / 2 - 5;
    ctx.fillStyle = colour("line-soft");
    ctx.fillRect(0, Math.round(middle), view.width, 1);
    const y = (value) => middle - (value / (rows.full ?? 127)) * half;
    for (const piece of rows.pieces(1 / view.scale, view.a, view.b)) this.#drawPiece(ctx, view, piece, y);
  }

  #drawPiece(ctx, view, { start, period, values, count }, y) {
    const first = Math.max(0, Math.floor((view.a - start) / period) - 1);
    const stop = Math.min(count, Math.ceil((view.b - start) / period) + 1);
    if (stop <= first) return;
    const at = (k) => view.x(start + (k + 0.5) * period);
    // Upper outline there, lower outline back.
    ctx.beginPath();
    for (let k = first; k < stop; k += 1) ctx.lineTo(at(k), y(values[2 * k + 1]) - 0.4);
    for (let k = stop - 1; k >= first; k -= 1) ctx.lineTo(at(k), y(values[2 * k]) + 0.4);
    ctx.closePath();
    ctx.fillStyle = colour("wave", 0.82);
    ctx.fill();
    if (period * view.scale > 1.5) {
      ctx.strokeStyle = colour("wave");
      ctx.lineWidth = 1;
      ctx.stroke();
    }
  }
}

const TILE = 1024;

export class SpectrogramLane {
  key = "spectrogram";
  height = 96;

  constructor(rows) {
    this.rows = rows;
    this.label = rows.label;
    this.sub = rows.note;
    this.tiles = new Map();
    addEventListener("themechange", () => this.tiles.clear());
  }

  draw(ctx, box, view) {
    const { rows } = this;
    for (const piece of rows.pieces(1.4 / view.scale, view.a, view.b)) this.#drawPiece(ctx, box, view, piece);
    ctx.imageSmoothingEnabled = true;
  }

  #drawPiece(ctx, box, view, piece) {
    const { start, period, count } = piece;
    // Some rows more on both sides: what smooths looks at the neighbours.
    const first = Math.max(0, Math.floor((view.a - start) / period) - 4);
    const stop = Math.min(count, Math.ceil((view.b - start) / period) + 4);
    ctx.imageSmoothingEnabled = period * view.scale < 5; // zoomed in, the cells are shown as they are
    ctx.imageSmoothingQuality = "high";
    for (let tile = Math.floor(first / TILE); tile * TILE < stop; tile += 1) {
      const image = this.#tile(piece, tile);
      const from = Math.max(first, tile * TILE);
      const to = Math.min(stop, tile * TILE + image.width);
      if (to <= from) continue;
      const left = view.x(start + from * period);
      const right = view.x(start + to * period);
      ctx.drawImage(image, from - tile * TILE, 0, to - from, image.height, left, box.y + 2, right - left, box.height - 4);
    }
  }

  #tile({ key: name, values, count }, tile) {
    const key = `${name}/${tile}`;
    if (this.tiles.has(key)) return this.tiles.get(key);
    if (this.tiles.size > 96) this.tiles.clear();
    const bands = this.rows.width;
    const columns = Math.min(TILE, count - tile * TILE);
    const canvas = document.createElement("canvas");
    canvas.width = columns;
    canvas.height = bands;
    const ctx = canvas.getContext("2d");
    const image = ctx.createImageData(columns, bands);
    const table = new Uint32Array(ramp().buffer);
    const pixels = new Uint32Array(image.data.buffer);
    for (let column = 0; column < columns; column += 1) {
      const row = (tile * TILE + column) * bands;
      for (let band = 0; band < bands; band += 1) {
        pixels[(bands - 1 - band) * columns + column] = table[values[row + band]];
      }
    }
    ctx.putImageData(image, 0, 0);
    this.tiles.set(key, canvas);
    return canvas;
  }
}

export class CurveLane {
  height = 46;

  constructor(rows, number) {
    this.rows = rows;
    this.key = `curve${number}`;
    this.paint = `curve${number % 4}`;
    this.label = rows.label;
    this.sub = rows.note;
  }

  draw(ctx, box, view) {
    const { rows } = this;
    for (const piece of rows.pieces(1.2 / view.scale, view.a, view.b)) this.#drawPiece(ctx, box, view, piece);
  }

  #drawPiece(ctx, box, view, { start, period, values, count }) {
    const first = Math.max(0, Math.floor((view.a - start) / period) - 1);
    const stop = Math.min(count, Math.ceil((view.b - start) / period) + 1);
    const foot = box.y + box.height - 3;
    const y = (value) => foot - ((value - 1) / 254) * (box.height - 8);
    const at = (k) => view.x(start + (k + 0.5) * period);
    // A value of 0 means: not valid; the line breaks there.
    for (let k = first; k < stop; k += 1) {
      if (!values[k]) continue;
      const from = k;
      ctx.beginPath();
      while (k < stop && values[k]) {
        ctx.lineTo(at(k), y(values[k]));
        k += 1;
      }
      ctx.strokeStyle = colour(this.paint);
      ctx.lineWidth = 1.3;
      ctx.lineJoin = "round";
      ctx.stroke();
      ctx.lineTo(at(k - 1), foot);
      ctx.lineTo(at(from), foot);
      ctx.fillStyle = colour(this.paint, 0.16);
      ctx.fill();
    }
  }
}
