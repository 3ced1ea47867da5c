// The words as text that can be read, played and followed.

import { clockText, gapText } from "./format.js";
import { wordText } from "./timeline.js";

const PARAGRAPH_PAUSE = 1.2;
const PARAGRAPH_WORDS = 60;

export class Transcript {
  constructor(words, frames, play) {
    this.flow = document.getElementById("flow");
    this.frames = frames;
    this.lay(words);
    this.#listen(play);
    this.#listUnplaced();
  }

  /** Lay the text of these words, in the place of what is there. */
  lay(words) {
    this.words = words;
    this.position = new Map(words.placed.map((word, i) => [word.number, i]));
    this.buttons = new Array(words.all.length);
    this.current = -1;
    const held = this.flow.contains(document.activeElement);
    const { scrollTop } = this.flow;
    this.flow.replaceChildren();
    this.#build(this.frames);
    this.flow.scrollTop = scrollTop;
    this.choose(this.chosen);
    if (held) this.buttons[this.chosen]?.focus({ preventScroll: true });
    document.getElementById("words-count").textContent = words.unplaced.length
      ? `${words.placed.length} of ${words.all.length} placed` : `${words.all.length}`;
  }

  /** Mark the word that is being corrected; -1: none. */
  choose(number = -1) {
    this.buttons[this.chosen]?.classList.remove("chosen");
    this.chosen = number;
    const button = this.buttons[number];
    button?.classList.add("chosen");
    if (button) this.#focusable(button);
  }

  #build(frames) {
    let run = null;
    let last = null;
    let inRun = 0;
    this.words.all.forEach((word, number) => {
      const placed = word.status === "aligned" && word.start !== null;
      const pause = placed && last !== null && word.start - last > PARAGRAPH_PAUSE;
      const full = inRun >= PARAGRAPH_WORDS && /[.!?…]$/u.test(this.words.all[number - 1].text);
      if (!run || pause || full || inRun >= 2 * PARAGRAPH_WORDS) {
        run = this.#paragraph(placed ? word.start : null);
        inRun = 0;
      }
      const after = this.words.all[number + 1];
      const gap = after ? gapText(word.text, after.text) : " ";
      const button = this.#button(word, number, placed, frames);
      button.classList.toggle("tight", gap === "");
      run.append(button, gap);
      inRun += 1;
      if (placed) last = word.end;
    });
    this.flow.classList.toggle("few", this.words.all.length <= 80);
    this.flow.classList.toggle("long", this.words.all.length > 800); // drawn only where it is seen
    const first = this.buttons.find((button) => button);
    if (first) first.tabIndex = 0;
  }

  #paragraph(start) {
    const paragraph = document.createElement("p");
    const time = document.createElement("time");
    time.textContent = start === null ? "" : clockText(start, 1);
    const run = document.createElement("span");
    run.className = "run";
    run.dir = "auto"; // words of Arabic or Hebrew follow each other from right to left
    paragraph.append(time, run);
    this.flow.append(paragraph);
    return run;
  }

  #button(word, number, placed, frames) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "w";
    button.tabIndex = -1;
    button.dataset.number = number;
    button.textContent = word.text;
    if (placed) {
      button.title = wordText(word, frames);
      if (word.confidence !== null && word.confidence < 0.5) button.classList.add("low");
    } else {
      button.classList.add("none");
      button.title = `not placed: ${word.reason || "no reason given"}`;
      button.setAttribute("aria-disabled", "true");
    }
    this.buttons[number] = button;
    return button;
  }

  #listUnplaced() {
    const { unplaced } = this.words;
    const box = document.getElementById("unplaced");
    if (!unplaced.length) return;
    box.hidden = false;
    box.querySelector("summary").textContent = `${unplaced.length} not placed, and why`;
    box.open = unplaced.length <= 4;
    for (const word of unplaced.slice(0, 500)) {
      const item = document.createElement("li");
      const name = document.createElement("b");
      name.textContent = word.text;
      const why = document.createElement("span");
      why.textContent = word.reason || "no reason given";
      item.append(name, why);
      box.querySelector("ul").append(item);
    }
  }

  #listen(play) {
    this.flow.addEventListener("click", (event) => {
      const button = event.target.closest(".w");
      if (!button) return;
      this.#focusable(button);
      // Who clicks by hand goes on with the keys of the page, arrows step frames; who came by keys stays in the text.
      if (event.detail) button.blur();
      const i = this.position.get(Number(button.dataset.number));
      play(i, Number(button.dataset.number));
    });
    // One stop for the tab key; arrows move inside.
    this.flow.addEventListener("keydown", (event) => {
      const button = event.target.closest?.(".w");
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!button || !step || event.shiftKey) return;
      const next = this.buttons[Number(button.dataset.number) + step];
      event.preventDefault();
      event.stopPropagation();
      if (!next) return;
      this.#focusable(next);
      next.focus();
    });
    this.#listenFind();
  }

  #focusable(button) {
    this.flow.querySelectorAll('.w[tabindex="0"]').forEach((each) => { each.tabIndex = -1; });
    button.tabIndex = 0;
  }

  #listenFind() {
    const input = document.getElementById("find");
    let hits = [];
    let at = -1;
    const go = (step) => {
      if (!hits.length) return;
      at = (at + step + hits.length) % hits.length;
      hits[at].scrollIntoView({ block: "nearest" });
      this.#focusable(hits[at]);
    };
    input.addEventListener("input", () => {
      for (const button of hits) button.classList.remove("hit");
      const wanted = input.value.trim().toLocaleLowerCase();
      hits = wanted ? this.buttons.filter((b) => b.textContent.toLocaleLowerCase().includes(wanted)) : [];
      for (const button of hits) button.classList.add("hit");
      at = -1;
      go(1);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      go(event.shiftKey ? -1 : 1);
      hits[at]?.click();
    });
  }

  /** Mark the word at an instant, in the text and in the caption. */
  update(t, { scroll }) {
    const i = this.words.at(t);
    const number = i < 0 ? -1 : this.words.placed[i].number;
    if (number !== this.current) {
      this.buttons[this.current]?.classList.remove("now");
      this.buttons[this.current]?.removeAttribute("aria-current");
      this.current = number;
      const button = this.buttons[number];
      button?.classList.add("now");
      button?.setAttribute("aria-current", "true");
      if (button && scroll) this.#reveal(button);
    }
    return i;
  }

  #reveal(button) {
    const { flow } = this;
    const box = flow.getBoundingClientRect();
    const word = button.getBoundingClientRect();
    if (word.top < box.top + 8 || word.bottom > box.bottom - 28) {
      flow.scrollTop += word.top - box.top - box.height / 3;
    }
  }
}

/** The line that is spoken around an instant, with the current word marked, as nodes. */
export function phraseNodes(words, t, current) {
  const phrase = phraseAt(words, t);
  if (!phrase) return [];
  return phrase.words.flatMap((i, k) => {
    const { text } = words.placed[i];
    const after = phrase.words[k + 1];
    const gap = after === undefined ? " " : gapText(text, words.placed[after].text);
    if (i !== current) return [document.createTextNode(`${text}${gap}`)];
    const bold = document.createElement("b");
    bold.textContent = text;
    return [bold, document.createTextNode(gap)];
  });
}

/** The phrase at an instant: the one that holds it, for a moment also the one just before or after. */
export function phraseAt(words, t) {
  let best = null;
  for (const phrase of words.phrases) {
    if (phrase.start - 0.25 > t) break;
    if (t < phrase.end + 0.35) best = phrase;
  }
  return best;
}
