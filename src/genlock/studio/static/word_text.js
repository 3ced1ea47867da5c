// The words as text: paragraphs of buttons, made where they are seen; of two hours only what is looked at costs anything.

import { firstWhere } from "../page/data.js";
import { clockText, gapText, joinedWords } from "../page/format.js";
import { make } from "../page/panels.js";

const PAUSE = 1.2; // seconds without a word that begin a paragraph
const MOST = 90; // words of a paragraph
const MANY = 800;
const AHEAD = "400px"; // so far beyond what is seen words become buttons

export class WordText {
  constructor(flow, play) {
    this.flow = flow;
    this.paragraphs = [];
    this.watcher = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) if (isIntersecting) this.#fill(this.paragraphs[target.dataset.paragraph]);
    }, { root: flow, rootMargin: AHEAD });
    flow.addEventListener("click", (event) => {
      const number = event.target.dataset?.number;
      if (number !== undefined) play(Number(number));
    });
  }

  /** Lay the text of a list of words anew. */
  lay(list) {
    this.list = list;
    this.watcher.disconnect();
    this.paragraphs = this.#divided(list);
    this.chosenButton = this.nowButton = null;
    this.flow.replaceChildren(...this.paragraphs.map(({ element }) => element));
    this.flow.classList.toggle("long", list.length > MANY);
    for (const { element } of this.paragraphs) this.watcher.observe(element);
  }

  #divided(list) {
    const found = [];
    let last = null;
    list.forEach((word, number) => {
      const here = found.at(-1);
      const paused = word.from !== null && last !== null && word.from - last > PAUSE;
      if (!here || paused || number - here.first > MOST) found.push({ first: number, stop: number + 1 });
      else here.stop = number + 1;
      if (word.to !== null) last = word.to;
    });
    found.forEach((paragraph, k) => {
      const { from } = list[paragraph.first];
      // Until it is seen it is plain text: it can be read and searched, and takes its room.
      paragraph.run = make("span", { class: "run" }, joinedWords(list.slice(paragraph.first, paragraph.stop).map((word) => word.text)));
      paragraph.element = make("p", { "data-paragraph": k }, make("time", {}, from === null ? "" : clockText(from, 1)), paragraph.run);
    });
    return found;
  }

  #fill(paragraph) {
    if (!paragraph || paragraph.buttons) return;
    this.watcher.unobserve(paragraph.element);
    paragraph.buttons = this.list.slice(paragraph.first, paragraph.stop).map((word, k) => {
      const lost = word.from === null;
      const button = make("button", { type: "button", class: lost ? "w lost" : "w", tabindex: -1, title: lost ? word.reason : null }, word.text);
      button.dataset.number = paragraph.first + k;
      return button;
    });
    paragraph.run.replaceChildren(...paragraph.buttons.flatMap((button, k) => {
      const after = paragraph.buttons[k + 1];
      const gap = after ? gapText(button.textContent, after.textContent) : " ";
      button.classList.toggle("tight", gap === "");
      return [button, gap];
    }));
  }

  #button(number) {
    const { paragraphs } = this;
    const paragraph = paragraphs[firstWhere(paragraphs.length, (k) => paragraphs[k].stop > number)];
    if (!paragraph || number < paragraph.first) return null;
    this.#fill(paragraph);
    return paragraph.buttons[number - paragraph.first];
  }

  /** Mark the word that is heard; -1: none. */
  markNow(number, follow) {
    this.nowButton?.classList.remove("now");
    this.nowButton = number < 0 ? null : this.#button(number);
    this.nowButton?.classList.add("now");
    if (follow) this.nowButton?.scrollIntoView({ block: "nearest" });
  }

  /** Mark the word that is chosen: the one stop of the tab key in the text. */
  choose(number, focus = false) {
    if (!this.paragraphs.length) return;
    this.chosenButton?.classList.remove("chosen");
    if (this.entry) this.entry.tabIndex = -1;
    this.chosenButton = number < 0 ? null : this.#button(number);
    this.entry = this.chosenButton ?? this.#button(0);
    if (this.entry) this.entry.tabIndex = 0;
    this.chosenButton?.classList.add("chosen");
    if (focus) this.chosenButton?.focus();
  }

  get focused() {
    return this.flow.contains(document.activeElement);
  }
}
