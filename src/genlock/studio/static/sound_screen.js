// A sound for a silent film: takes side by side on one time line, A and B by one key, events dragged.

import { make } from "../page/panels.js";
import { Exact } from "../page/exact.js";
import { EventEdits } from "./event_edits.js";
import { EventMarks, MarksLane } from "./event_marks.js";
import { MadeScreen } from "./made_screen.js";
import { ShiftedSound } from "./shift.js";
import { t } from "./texts.js";

const LEAD = 0.5;
const MILLISECOND = new Exact(1n, 1000n);

export class SoundScreen extends MadeScreen {
  constructor(root, jobs, { tell }) {
    super(root, "sound", jobs, { tell, first: ["library", "model", "finder", "takes", "seed"] });
    this.sounds = new Map();
  }

  chosen(take) {
    if (!this.edits) this.#buildEvents();
    this.lay(this.takes.takes.map((each, number) => this.waveOf(each, number + 1)), new MarksLane());
    for (const [id, sound] of this.sounds) if (id !== take?.id) sound.set(false, 0);
    this.video.muted = take !== null;
    if (take?.clip?.sound) this.#soundOf(take).set(true, 0);
    const same = JSON.stringify((take?.result.events ?? []).map((event) => event.time)) === JSON.stringify(this.edits.list.map((event) => event.time));
    if (take && take.id !== this.editing && (same || !this.edits.changed)) {
      this.editing = take.id;
      this.edits.load(take.result.events ?? []);
    }
    this.#showEvents();
  }

  async show(clip) {
    if (this.file !== clip.id) {
      this.edits = null;
      this.editing = null;
      this.sounds = new Map();
    }
    await super.show(clip);
  }

  /** The sound of a take, played on the clock of the picture. */
  #soundOf(take) {
    if (!this.sounds.has(take.id)) this.sounds.set(take.id, new ShiftedSound(this.player, take.clip.sound, this.takes.address(take), take.created, take.piece_seconds));
    return this.sounds.get(take.id);
  }

  // ------------------------------------------------------------ events

  #buildEvents() {
    this.edits = new EventEdits();
    this.edits.load([]);
    this.marks = new EventMarks(this.strip, this.edits, (at) => { this.player.pause(); this.player.seek(at); });
    const button = (name, action) => {
      const made = make("button", { type: "button", class: "plain small" }, t(name));
      made.addEventListener("click", action);
      return made;
    };
    this.again = button("write_events", () => this.run({ ...this.readOptions(), events: this.edits.told }));
    this.again.classList.add("main");
    this.eventFacts = make("span", { class: "count", role: "status" });
    const { edits } = this;
    this.line.before(make("div", { class: "batch", role: "toolbar", "aria-label": t("events") },
      button("event_new", () => edits.add(this.player.time())), button("remove", () => edits.remove()),
      button("undo", () => edits.undo()), button("redo", () => edits.redo()), this.again, this.eventFacts));
    edits.addEventListener("change", () => this.#showEvents());
  }

  #showEvents() {
    const { event, list, changed } = this.edits;
    this.again.disabled = !this.editing || !list.length;
    const chosen = event ? t("event_at", { number: this.edits.chosen + 1, time: event.at.toFixed(3), what: event.material || t("event") }) : "";
    this.eventFacts.textContent = [t("events_count", { count: list.length }), chosen, changed ? t("events_changed") : ""].filter(Boolean).join(" · ");
  }

  #go(by) {
    const { edits } = this;
    if (!edits.list.length) return;
    edits.select(Math.min(Math.max(edits.chosen + by, 0), edits.list.length - 1));
    this.player.pause();
    this.player.seek(edits.event.at);
    this.strip.reveal(edits.event.at);
  }

  #frame(by) {
    const frames = this.exactFrames;
    const k = frames && this.edits.event ? Math.max(0, this.player.frames.index(this.edits.event.at)) : null;
    const step = k === null || k + 1 > frames.count ? MILLISECOND : frames.edge(k + 1).minus(frames.edge(k));
    this.#nudge(by < 0 ? new Exact(0n).minus(step) : step);
  }

  #nudge(by) {
    this.edits.nudge(by);
    if (this.edits.event) this.player.seek(this.edits.event.at);
  }

  keys() {
    const { edits } = this;
    return {
      ...super.keys(),
      "shift ArrowLeft": () => this.#go(-1),
      "shift ArrowRight": () => this.#go(1),
      "alt ArrowLeft": () => this.#frame(-1),
      "alt ArrowRight": () => this.#frame(1),
      "alt shift ArrowLeft": () => this.#nudge(new Exact(-1n, 1000n)),
      "alt shift ArrowRight": () => this.#nudge(MILLISECOND),
      Enter: () => { if (edits.event) { this.player.seek(Math.max(this.player.start, edits.event.at - LEAD)); this.player.play(); } },
      n: () => edits.add(this.player.time()),
      Delete: () => edits.remove(),
      "ctrl z": () => edits.undo(),
      "ctrl y": () => edits.redo(),
    };
  }
}
