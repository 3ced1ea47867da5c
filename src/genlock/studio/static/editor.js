// The words as the studio keeps them: every change is one splice that the server checks and saves.

import { WordEditor } from "../page/word_editor.js";
import { post, remove } from "./api.js";
import { early } from "./early.js";

/** Emits beside what a WordEditor does "saving", "saved" and "refused" (detail: the error). */
export class Editor extends WordEditor {
  constructor(address, { exactFrames, frames, sound }) {
    super({ exactFrames, frames, sound });
    this.address = address;
    this.revision = 0;
    this.waiting = [];
    this.saving = false;
  }

  /** Words come in columns: of two hours a third of the bytes, and of the time to read them. */
  async load() {
    this.document = await early(`${this.address}/words/columns`);
    const { text, start, end, confidence, reasons, revision } = this.document;
    this.revision = revision;
    this.take(text.map((each, k) => ({ text: each, start: start[k], end: end[k], confidence: confidence[k], reason: reasons[k] ?? null })));
  }

  async takeResult() {
    await remove(`${this.address}/words`);
    await this.load();
  }

  keep(change) {
    this.waiting.push(change);
    this.#save();
  }

  async #save() {
    if (this.saving) return;
    this.saving = true;
    this.dispatchEvent(new Event("saving"));
    try {
      while (this.waiting.length) {
        const [change] = this.waiting;
        const { revision } = await post(`${this.address}/words`, { revision: this.revision, ...change });
        this.revision = revision;
        this.waiting.shift();
      }
      this.saving = false;
      this.dispatchEvent(new Event("saved"));
    } catch (error) {
      this.saving = false;
      this.dispatchEvent(new CustomEvent("refused", { detail: error }));
      if (error.status) {
        // It was heard and refused: what is shown must be what is kept.
        this.waiting = [];
        await this.load();
      } else {
        setTimeout(() => this.#save(), 2000); // nobody answered: what was changed waits here
      }
    }
  }
}
