// The words as subtitles: each line with its reading speed and length, its text to be corrected and placed anew.

import { clockText } from "../page/format.js";
import { make } from "../page/panels.js";
import { getJson } from "./api.js";
import { t } from "./texts.js";

export class CueList {
  constructor(list, address, editor, jobs, { file, play, tell }) {
    Object.assign(this, { list, address, editor, jobs, file, play, tell });
    this.revision = -1;
  }

  /** Lay the lines anew if the words have changed since. */
  async show() {
    if (this.revision === this.editor.revision) return;
    const { cues, limits, revision } = await getJson(`${this.address}/words/cues`);
    this.revision = revision;
    this.limits = limits;
    this.list.replaceChildren(...cues.map((cue) => this.#row(cue)));
    this.list.parentElement.querySelector(".empty").hidden = cues.length > 0;
  }

  #row(cue) {
    const play = make("button", { type: "button", class: "plain small", "aria-label": t("cue_play", { time: clockText(cue.start_seconds, 1) }) }, clockText(cue.start_seconds, 1));
    play.addEventListener("click", () => this.play(cue.start_seconds, cue.end_seconds));
    const text = make("textarea", { rows: 2, spellcheck: "false", "aria-label": t("cue_text", { time: clockText(cue.start_seconds, 1) }) });
    text.value = cue.text;
    const place = make("button", { type: "button", class: "plain small", disabled: true }, t("realign"));
    const facts = make("span", { class: "badges", role: "status" });
    const row = make("li", { "data-at": cue.at }, play, text, facts, place);
    const tell = () => this.#facts(facts, text.value, cue);
    text.addEventListener("input", () => { place.disabled = text.value.trim() === cue.text.trim(); tell(); });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (!place.disabled) place.click();
    });
    place.addEventListener("click", () => this.#realign(cue, text.value, place));
    tell();
    return row;
  }

  /** Characters a second and in the longest line, as subtitlers count them: with spaces, without the line break. */
  #facts(element, text, cue) {
    const { speed, line } = this.limits;
    const lines = text.split("\n");
    const letters = lines.reduce((sum, each) => sum + [...each].length, 0);
    const seconds = cue.end_seconds - cue.start_seconds;
    const fast = seconds > 0 ? letters / seconds : Infinity;
    const longest = Math.max(...lines.map((each) => [...each].length));
    const badge = (over, words) => make("span", { class: "badge" }, make("span", { class: `dot ${over ? "bad" : "good"}` }), words);
    element.replaceChildren(
      badge(fast > speed, t(fast > speed ? "cue_too_fast" : "cue_speed", { speed: fast.toFixed(1), limit: speed })),
      badge(longest > line, t(longest > line ? "cue_too_long" : "cue_line", { count: longest, limit: line })),
    );
  }

  /** Words that stayed keep their times; the others are looked for in the sound, and put in place as one change. */
  async #realign(cue, text, button) {
    const { editor } = this;
    button.disabled = true;
    this.tell(t("realigning"));
    try {
      const options = { at: cue.at, count: cue.count, text, revision: editor.revision };
      const [id] = await this.jobs.ask("realign", [this.file], options);
      const job = await this.jobs.wait(id);
      if (job.state !== "done") throw new Error(job.message);
      const { result } = await getJson(`/api/jobs/${id}`);
      if (editor.revision !== result.revision) throw new Error(t("changed_meanwhile"));
      editor.splice(result.at, result.count, result.words, result.at);
      this.tell(job.message);
    } catch (error) {
      button.disabled = false;
      this.tell(error.message || t("no_answer"));
    }
  }
}
