// The words as they are corrected: every change is one splice, undone by the splice that puts the old words back.

import { Words, firstWhere } from "./data.js";
import { Exact, nearestSample, secondsOf } from "./exact.js";

const LEAST_WORD = 0.01; // seconds that a word keeps at least when its border is dragged
const TOUCHING = 1e-3;

/** A word as it is told, its times as numbers beside the exact ones. */
class EditedWord {
  constructor({ text, start, end, confidence, reason }) {
    Object.assign(this, { text, start, end, confidence, reason, from: secondsOf(start), to: secondsOf(end) });
  }

  /** Made when they are asked for: of 15,000 words hardly any are moved. */
  get exact() {
    return { start: this.start === null ? null : Exact.of(this.start), end: this.end === null ? null : Exact.of(this.end) };
  }
}

const asEdited = (word) => new EditedWord(word);
const asTold = ({ text, start, end, confidence, reason }) => ({ text, start, end, confidence, reason });

/** Emits "words" (they have changed) and "selected". */
export class WordEditor extends EventTarget {
  constructor({ exactFrames, frames, sound }) {
    super();
    Object.assign(this, { exactFrames, frames, sound });
    this.list = [];
    this.undone = [];
    this.done = [];
    this.selected = -1; // number in the list
    this.border = "start";
    this.snapping = true;
    this.shots = []; // exact instants at which the shot changes, in order
    this.snapsToShots = true;
    this.shotFrames = 6; // so near a border is drawn to a change of the shot
  }

  /** Take words as they are told, each with its exact times as text; nothing can be undone from here on. */
  take(words) {
    this.list = words.map(asEdited);
    this.done = [];
    this.undone = [];
    this.#changed();
  }

  /** What has been put in the place of what: whoever keeps the words says how. */
  keep() {}

  get words() {
    const list = this.list.map((w) => ({ text: w.text, start: w.from, end: w.to, status: w.from === null ? "unaligned" : "aligned", confidence: w.confidence, reason: w.reason }));
    return new Words(list);
  }

  get word() {
    return this.list[this.selected] ?? null;
  }

  select(number, border = null) {
    this.selected = number >= 0 && number < this.list.length ? number : -1;
    if (border) this.border = border;
    this.dispatchEvent(new Event("selected"));
  }

  // ------------------------------------------------------------ changing

  #changed() {
    this.dispatchEvent(new Event("words"));
  }

  /** Put words in the place of others, without keeping them: while something is dragged. */
  preview(at, count, words) {
    this.list.splice(at, count, ...words.map(asEdited));
    this.#changed();
  }

  /** Put `words` in the place of words `at` to `at + count`, remember how to undo it, and keep them. */
  splice(at, count, words, select = null) {
    const before = this.list.slice(at, at + count).map(asTold);
    const change = { at, before, after: words.map(asTold), selected: this.selected };
    this.done.push(change);
    this.undone = [];
    this.#apply(at, count, change.after);
    if (select !== null) this.select(select);
  }

  #apply(at, count, words) {
    this.list.splice(at, count, ...words.map(asEdited));
    this.#changed();
    this.keep({ at, count, words });
  }

  undo() {
    const change = this.done.pop();
    if (!change) return false;
    this.undone.push(change);
    this.#apply(change.at, change.after.length, change.before);
    this.select(change.selected);
    return true;
  }

  redo() {
    const change = this.undone.pop();
    if (!change) return false;
    this.done.push(change);
    this.#apply(change.at, change.before.length, change.after);
    this.select(change.at);
    return true;
  }

  // ------------------------------------------------------------ borders

  /** The change of the shot that draws a border near t, or null. */
  #shotNear(t) {
    if (!this.snapsToShots || !this.frames || !this.shots.length) return null;
    const after = firstWhere(this.shots.length, (k) => this.shots[k].number > t);
    const near = [this.shots[after - 1], this.shots[after]].filter((shot) => shot && Math.abs(shot.number - t) <= this.shotFrames * this.frames.period + 1e-9);
    return near.sort((p, q) => Math.abs(p.number - t) - Math.abs(q.number - t))[0] ?? null;
  }

  /** The exact instant for a border near t: a change of the shot, an edge of a frame, or a sample. `plain`: no shot draws it. */
  snapped(t, plain = false) {
    const shot = plain ? null : this.#shotNear(t);
    if (shot) return shot;
    if (this.snapping && this.frames && t > this.frames.start - this.frames.period && t < this.frames.end + this.frames.period) {
      const { frames } = this;
      const k = Math.min(Math.max(frames.index(t), 0), frames.count - 1);
      return this.exactFrames.edge(frames.edge(k + 1) - t < t - frames.edge(k) ? k + 1 : k);
    }
    return this.sound ? nearestSample(t, this.sound) : Exact.of(t.toFixed(6));
  }

  /** The neighbour that a border touches: it moves along. */
  #neighbour(number, border) {
    const other = this.#placedBeside(number, border === "start" ? -1 : 1);
    if (other < 0) return -1;
    const [here, there] = border === "start" ? [this.list[number].from, this.list[other].to] : [this.list[number].to, this.list[other].from];
    return Math.abs(here - there) <= TOUCHING ? other : -1;
  }

  #placedBeside(number, step) {
    let k = number + step;
    while (k >= 0 && k < this.list.length && this.list[k].from === null) k += step;
    return k >= 0 && k < this.list.length ? k : -1;
  }

  /** The splice that moves a border to t (a number), as far as it can go; null if it stays. `alone`: no neighbour moves along. */
  moved(number, border, t, { alone = false, plain = false } = {}) {
    const word = this.list[number];
    if (!word || word.from === null) return null;
    const along = alone ? -1 : this.#neighbour(number, border);
    const step = border === "start" ? -1 : 1;
    const beside = this.#placedBeside(number, step);
    const wall = along >= 0 ? this.list[along][border === "start" ? "from" : "to"] - step * LEAST_WORD : beside >= 0 ? this.list[beside][border === "start" ? "to" : "from"] : step * Infinity;
    const limits = border === "start" ? [wall, word.to - LEAST_WORD] : [word.from + LEAST_WORD, wall];
    const wanted = Math.min(Math.max(t, limits[0]), limits[1]);
    const period = this.frames?.period ?? 0;
    // Where the nearest edge lies beyond a limit, the one before it; where there is none, the neighbour's own border.
    const choices = [wanted, wanted - period, wanted + period].map((each) => this.snapped(each, plain));
    if (along < 0 && beside >= 0) choices.push(this.list[beside].exact[border === "start" ? "end" : "start"]);
    const exact = choices.find(({ number: at }) => at >= limits[0] - 1e-9 && at <= limits[1] + 1e-9);
    if (!exact || exact.compare(word.exact[border]) === 0) return null;
    const fresh = { ...asTold(word), [border]: String(exact) };
    if (along < 0) return { at: number, count: 1, words: [fresh] };
    const other = { ...asTold(this.list[along]), [border === "start" ? "end" : "start"]: String(exact) };
    const between = this.list.slice(Math.min(number, along) + 1, Math.max(number, along)).map(asTold);
    const words = border === "start" ? [other, ...between, fresh] : [fresh, ...between, other];
    return { at: Math.min(number, along), count: words.length, words };
  }

  moveBorder(number, border, t, options) {
    const change = this.moved(number, border, t, options);
    if (change) this.splice(change.at, change.count, change.words);
    return Boolean(change);
  }

  /** One frame on or back (a millisecond where borders do not snap); no shot holds it. */
  nudge(step, given = {}) {
    const options = { ...given, plain: true };
    const { word } = this;
    if (!word || word.from === null) return false;
    const now = this.border === "start" ? word.from : word.to;
    if (!this.snapping || !this.frames) return this.moveBorder(this.selected, this.border, now + step / 1000, options);
    const { frames } = this;
    const k = frames.index(now + 1e-6);
    const there = Math.min(Math.max(step > 0 ? k + 1 : Math.abs(frames.edge(Math.max(k, 0)) - now) < 1e-6 ? k - 1 : k, 0), frames.count);
    return this.moveBorder(this.selected, this.border, frames.edge(there), options);
  }

  // ------------------------------------------------------------ words

  retype(text) {
    const { word } = this;
    if (!word || !text.trim() || text.trim() === word.text) return false;
    this.splice(this.selected, 1, [{ ...asTold(word), text: text.trim() }]);
    return true;
  }

  /** Two words out of one, at t; its text is divided at a space, else where t divides its time. */
  split(t) {
    const { word } = this;
    if (!word || word.from === null || t <= word.from + LEAST_WORD || t >= word.to - LEAST_WORD || word.text.length < 2) return false;
    const share = (t - word.from) / (word.to - word.from);
    const space = word.text.indexOf(" ");
    const place = space > 0 ? space : Math.min(word.text.length - 1, Math.max(1, Math.round(share * word.text.length)));
    const exact = this.snapped(t);
    if (exact.compare(word.exact.start) <= 0 || exact.compare(word.exact.end) >= 0) return false;
    const [one, two] = [word.text.slice(0, place).trim(), word.text.slice(place).trim()];
    this.splice(this.selected, 1, [
      { ...asTold(word), text: one, end: String(exact) },
      { ...asTold(word), text: two, start: String(exact) },
    ]);
    return true;
  }

  /** One word out of this and the next. */
  join() {
    const [word, next] = [this.word, this.list[this.selected + 1]];
    if (!word || !next || word.from === null || next.from === null) return false;
    const confidence = word.confidence === null || next.confidence === null ? null : Math.min(word.confidence, next.confidence);
    this.splice(this.selected, 2, [{ ...asTold(word), text: `${word.text} ${next.text}`, end: next.end, confidence }]);
    return true;
  }

  removeWord() {
    if (!this.word) return false;
    this.splice(this.selected, 1, [], Math.min(this.selected, this.list.length - 2));
    return true;
  }

  /** A new word from a to b, where there is none. */
  insert(a, b, text) {
    const [start, end] = [this.snapped(a), this.snapped(b)];
    const at = this.list.findIndex((w) => w.from !== null && w.from >= start.number - 1e-9);
    const place = at < 0 ? this.list.length : at;
    const before = this.#placedBeside(place, -1);
    if (end.compare(start) <= 0 || (before >= 0 && this.list[before].to > start.number + 1e-9)) return false;
    if (at >= 0 && this.list[at].from < end.number - 1e-9) return false;
    this.splice(place, 0, [{ text, start: String(start), end: String(end), confidence: null, reason: null }], place);
    return true;
  }
}
