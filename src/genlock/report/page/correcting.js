// Words corrected in the page: a text typed anew, a border dragged, all of it undone, and saved as a file.

import { BorderTools } from "./border_tools.js";
import { Words } from "./data.js";
import { Exact } from "./exact.js";
import { wordText } from "./timeline.js";
import { WordEditor } from "./word_editor.js";
import { jsonText, srtText, textGridText } from "./word_files.js";

const NUDGE = 10; // milliseconds that a key moves a border
const TYPES = { srt: "application/x-subrip", TextGrid: "text/plain", json: "application/json" };

/** Emits "words" when they have changed (for good: not while a border is being dragged) and "mode". */
export class Correcting extends EventTarget {
  constructor(model, player, timeline) {
    super();
    Object.assign(this, { model, player, timeline });
    this.on = false;
    this.edits = 0; // how often something was changed, or taken back
    this.saved = 0; // how often that was when the words were last saved
    this.box = document.getElementById("correcting");
    this.field = document.getElementById("word-text");
    const button = document.getElementById("correct");
    button.hidden = !model.words.all.length;
    button.addEventListener("click", () => this.turn(!this.on));
  }

  /** Begin or end; what was corrected stays. */
  turn(on) {
    if (this.box.hidden && !this.model.words.all.length) return;
    if (!this.editor) this.#begin();
    this.on = on;
    this.box.hidden = !on;
    document.getElementById("correct").setAttribute("aria-pressed", String(on));
    document.body.classList.toggle("is-correcting", on);
    this.timeline.tools = on ? this.tools : null;
    if (on && this.editor.selected < 0) this.editor.select(Math.max(0, this.#numberHere()));
    this.timeline.drawOverlay();
    this.dispatchEvent(new Event("mode"));
  }

  #numberHere() {
    const { words } = this.model;
    return words.placed[Math.max(0, words.before(this.player.time() + 1e-4))]?.number ?? 0;
  }

  #begin() {
    const { model, player } = this;
    const { frames } = model;
    const exactFrames = frames && { edge: (k) => Exact.of(frames.edge(k).toFixed(9)) };
    // A border goes to the millisecond, not to a frame: words know nothing of frames.
    this.editor = new WordEditor({ exactFrames, frames, sound: { rate: 1000, origin: "0" } });
    this.editor.snapping = false;
    this.before = model.words.all;
    this.known = new Map(this.before.map((word) => [this.#key(word.text, ...word.exact), word]));
    this.editor.take(this.before.map(({ text, exact: [start, end], confidence, reason }) => ({ text, start, end, confidence, reason })));
    this.tools = new BorderTools(this.editor, player);
    this.tools.timeline = this.timeline;
    this.editor.addEventListener("words", () => this.#changed());
    this.editor.addEventListener("selected", () => this.#showChosen());
    this.editor.keep = () => { this.edits += 1; this.#show(); this.dispatchEvent(new Event("words")); };
    this.#listen();
    this.#show();
  }

  #key(text, start, end) {
    return `${start} ${end} ${text}`;
  }

  /** The words as they are now; one that nobody has touched is the very word that was found. */
  get list() {
    return this.editor.list.map((w) => this.known.get(this.#key(w.text, w.start, w.end)) ?? {
      text: w.text, start: w.from, end: w.to, status: w.from === null ? "unaligned" : "aligned",
      confidence: w.confidence, reason: w.reason, exact: [w.start, w.end], speaker: this.#speakerOf(w),
    });
  }

  /** Who says what was corrected: who said what was found there. */
  #speakerOf({ from, to }) {
    if (from === null) return null;
    const middle = (from + to) / 2;
    return this.before.find((word) => word.start !== null && word.start <= middle && middle < word.end)?.speaker ?? null;
  }

  #changed() {
    this.model.words = new Words(this.list); // what nobody touched keeps all that is known of it
    this.timeline.wordsChanged();
  }

  #listen() {
    const click = (id, action) => document.getElementById(id).addEventListener("click", action);
    click("undo", () => this.undo());
    click("redo", () => this.redo());
    for (const button of document.querySelectorAll("#saves button")) button.addEventListener("click", () => this.save(button.dataset.form));
    this.field.addEventListener("change", () => this.#retype());
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      if (event.key === "Escape") this.field.value = this.editor.word?.text ?? "";
      event.preventDefault();
      this.field.blur(); // "change" comes of it
      document.getElementById("lanes").focus();
    });
    addEventListener("beforeunload", (event) => {
      if (this.edits !== this.saved) event.preventDefault();
    });
  }

  #retype() {
    if (!this.editor.retype(this.field.value)) this.field.value = this.editor.word?.text ?? "";
  }

  // ------------------------------------------------------------ what people do

  /** Choose a word by its number in the text, to be corrected. */
  choose(number, border = null) {
    if (this.on) this.editor.select(number, border);
  }

  /** Type a word anew. */
  type(number = null) {
    if (!this.on) this.turn(true);
    if (number !== null) this.editor.select(number);
    this.field.focus();
    this.field.select();
  }

  otherBorder() {
    if (this.on) this.editor.select(this.editor.selected, this.editor.border === "start" ? "end" : "start");
  }

  nudge(step) {
    const { editor } = this;
    if (!this.on || !editor.word || editor.word.from === null) return;
    const now = editor.border === "start" ? editor.word.from : editor.word.to;
    if (editor.moveBorder(editor.selected, editor.border, now + (step * NUDGE) / 1000)) this.player.seek(editor.word[editor.border === "start" ? "from" : "to"]);
  }

  split() {
    if (this.on) this.editor.split(this.player.time());
  }

  join() {
    if (this.on) this.editor.join();
  }

  remove() {
    if (this.on) this.editor.removeWord();
  }

  undo() {
    if (this.on) this.editor.undo();
  }

  redo() {
    if (this.on) this.editor.redo();
  }

  /** The words as a file: what is in it. */
  text(form) {
    const now = this.list;
    if (form === "srt") return srtText(this.model.cues, this.before, now);
    if (form === "TextGrid") return textGridText(now, ...this.model.spoken);
    return jsonText(this.model.words_about, now);
  }

  save(form) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.text(form)], { type: TYPES[form] }));
    link.download = `${this.model.title.replace(/\.\w{1,5}$/, "")}.${form}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    this.saved = this.edits;
    this.#show();
  }

  // ------------------------------------------------------------ what is shown

  #show() {
    const { editor } = this;
    const count = editor.done.length;
    document.getElementById("undo").disabled = !count;
    document.getElementById("redo").disabled = !editor.undone.length;
    const changes = count === 1 ? "1 change" : `${count} changes`;
    document.getElementById("correct-state").textContent = this.edits === 0 ? "nothing changed yet" : this.edits === this.saved ? `${changes}, saved` : `${changes}, not saved`;
    this.#showChosen();
  }

  #showChosen() {
    const { word } = this.editor;
    this.field.disabled = !word;
    if (document.activeElement !== this.field) this.field.value = word?.text ?? "";
    const placed = word && word.from !== null;
    document.getElementById("word-facts").textContent = placed ? wordText({ start: word.from, end: word.to, confidence: word.confidence }, this.model.frames) : (word?.reason ?? "");
    this.timeline.drawOverlay();
    this.dispatchEvent(new Event("chosen"));
  }
}
