// What the page shows: the JSON block and the base64 arrays beside it, as objects that answer questions.

/** The bytes of an embedded array; the text is dropped so that it is not held twice. */
export function bytesOf(name) {
  const element = document.getElementById(`blob-${name}`);
  const text = element.textContent;
  element.remove();
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** First index i in [0, count] for which after(i) is true; after must go from false to true once. */
export function firstWhere(count, after) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (after(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The cells in which the frames of the picture are shown: [edge(k), edge(k + 1)). */
export class Frames {
  constructor(data) {
    this.count = data.count;
    if (data.kind === "edges") {
      const edges = data.edges ?? new Float64Array(bytesOf(data.blob).buffer);
      this.edge = (k) => edges[k];
    } else {
      const { first, last, count } = data;
      this.edge = (k) => first + ((last - first) * k) / count;
    }
    this.start = this.edge(0);
    this.end = this.edge(this.count);
    this.period = (this.end - this.start) / this.count;
  }

  center(k) {
    return (this.edge(k) + this.edge(k + 1)) / 2;
  }

  /** The cell that holds an instant (floor); -1 before the first, count after the last. */
  index(t) {
    return firstWhere(this.count + 1, (k) => this.edge(k) > t) - 1;
  }

  /** The cell whose left edge is nearest to a time stamp: browsers round stamps to microseconds. */
  nearest(t) {
    const k = Math.min(Math.max(this.index(t), 0), this.count - 1);
    return k + 1 < this.count && this.edge(k + 1) - t < t - this.edge(k) ? k + 1 : k;
  }

  /**
   * An instant in the middle half of the same cell. Where it is asked for an instant near an edge, a browser may
   * show the frame beyond it (container stamps and the browser's own are rounded).
   */
  steady(t) {
    const k = this.index(t);
    if (k < 0 || k >= this.count) return t;
    const margin = (this.edge(k + 1) - this.edge(k)) / 4;
    return Math.min(Math.max(t, this.edge(k) + margin), this.edge(k + 1) - margin);
  }
}

/** Rows of bytes on a uniform grid, with halved copies of itself for drawing it small. */
export class Rows {
  constructor(data, reduce) {
    Object.assign(this, data);
    const bytes = bytesOf(data.blob);
    this.levels = [data.signed ? new Int8Array(bytes.buffer) : bytes];
    this.reduce = reduce;
  }

  /** The values at half the resolution of the level before. */
  level(n) {
    while (this.levels.length <= n) {
      const source = this.levels[this.levels.length - 1];
      const width = this.width;
      const count = Math.ceil(source.length / width / 2);
      const out = new source.constructor(count * width);
      for (let row = 0; row < count; row += 1) {
        const one = 2 * row * width;
        const two = one + width < source.length ? one + width : one;
        for (let i = 0; i < width; i += 1) out[row * width + i] = this.reduce(source[one + i], source[two + i], i);
      }
      this.levels.push(out);
    }
    return this.levels[n];
  }

  /** What is drawn of a stretch of time: runs of rows, each with its own place; here the whole level, in one. */
  pieces(secondsPerPixel) {
    const n = this.levelFor(secondsPerPixel);
    const values = this.level(n);
    const period = this.period * 2 ** n;
    return [{ key: String(n), start: this.start, period, values, count: values.length / this.width }];
  }

  /** The level at which about one to two rows fall on one pixel. */
  levelFor(secondsPerPixel) {
    return Math.max(0, Math.min(24, Math.floor(Math.log2(secondsPerPixel / this.period))));
  }
}

/** Words that have times, in order, and where they are. */
export class Words {
  constructor(list) {
    this.all = list;
    this.placed = list.map((word, number) => ({ ...word, number })).filter((w) => w.status === "aligned" && w.start !== null);
    this.unplaced = list.map((word, number) => ({ ...word, number })).filter((w) => w.status !== "aligned" || w.start === null);
    this.phrases = phrases(this.placed);
  }

  /** Position in `placed` of the word that holds an instant, or -1. */
  at(t) {
    const i = firstWhere(this.placed.length, (k) => this.placed[k].start > t) - 1;
    return i >= 0 && t < this.placed[i].end ? i : -1;
  }

  /** Position of the last word that starts at or before an instant, or -1. */
  before(t) {
    return firstWhere(this.placed.length, (k) => this.placed[k].start > t) - 1;
  }
}

/** Runs of words that are read as one line: ended by a pause, a full stop or their length. */
function phrases(placed) {
  const out = [];
  let run = [];
  placed.forEach((word, i) => {
    run.push(i);
    const following = placed[i + 1];
    const stop = /[.!?…]["'”’)]?$/u.test(word.text) && run.length > 2;
    if (!following || following.start - word.end > 0.6 || stop || run.length >= 9) {
      out.push({ words: run, start: placed[run[0]].start, end: word.end });
      run = [];
    }
  });
  return out;
}

/** Everything that the page knows. */
export function readContent() {
  const content = JSON.parse(document.getElementById("content").textContent);
  const model = { ...content };
  model.frames = content.frames ? new Frames(content.frames) : null;
  model.words = new Words(content.words);
  model.waveform = content.waveform && new Rows(content.waveform, (a, b, i) => (i === 0 ? Math.min(a, b) : Math.max(a, b)));
  model.spectrogram = content.spectrogram && new Rows(content.spectrogram, (a, b) => (a && b ? (a + b + 1) >> 1 : a || b));
  model.curves = content.curves.map((curve) => new Rows(curve, Math.max));
  return model;
}
