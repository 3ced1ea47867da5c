// The events of a film as a person corrects them: moved, added, removed, undone; times stay exact.

import { Exact } from "../page/exact.js";

const RATE = 48000n; // what is dragged lies on a sample of what will sound

/** Emits "change". */
export class EventEdits extends EventTarget {
  /** Begin with what was found. */
  load(events) {
    const most = Math.max(...events.map((event) => event.impulse), 1e-9);
    this.list = events.map((event) => ({ ...event, at: Exact.of(event.time).number, strength: event.impulse / most }));
    this.found = JSON.stringify(events.map((event) => event.time));
    this.chosen = this.list.length ? 0 : -1;
    this.past = [];
    this.future = [];
    this.#emit();
  }

  get event() {
    return this.list[this.chosen] ?? null;
  }

  /** Whether they differ from what was found. */
  get changed() {
    return this.past.length > 0 && JSON.stringify(this.list.map((event) => event.time)) !== this.found;
  }

  /** What the server takes. */
  get told() {
    return this.list.map(({ time, probability, impulse, size, x, y, distance, material }) => ({ time, probability, impulse, size, x, y, distance, material }));
  }

  select(number) {
    this.chosen = Math.min(Math.max(number, -1), this.list.length - 1);
    this.#emit();
  }

  #emit() {
    this.dispatchEvent(new Event("change"));
  }

  #change(list, chosen) {
    this.past.push({ list: this.list, chosen: this.chosen });
    this.future = [];
    this.#put(list, chosen);
  }

  #put(list, chosen) {
    this.list = [...list].sort((p, q) => p.at - q.at);
    this.chosen = chosen && this.list.includes(chosen) ? this.list.indexOf(chosen) : Math.min(this.chosen, this.list.length - 1);
    this.#emit();
  }

  /** An event at another instant, given in seconds; on a sample. */
  moved(event, seconds) {
    return this.#at(event, new Exact(BigInt(Math.round(seconds * Number(RATE))), RATE));
  }

  #at(event, time) {
    return { ...event, time: time.toString(), at: time.number, end_seconds: null };
  }

  move(number, seconds) {
    const fresh = this.moved(this.list[number], seconds);
    this.#change(this.list.map((event, k) => (k === number ? fresh : event)), fresh);
  }

  /** The chosen event, exactly so much later. */
  nudge(by) {
    const { event } = this;
    if (!event) return;
    const fresh = this.#at(event, Exact.of(event.time).plus(by));
    this.#change(this.list.map((each) => (each === event ? fresh : each)), fresh);
  }

  add(seconds) {
    const like = this.event ?? this.list[0] ?? { impulse: 1, size: 0.1, x: 0.5, y: 0.5, material: "" };
    const fresh = this.moved({ ...like, probability: 1 }, seconds);
    this.#change([...this.list, fresh], fresh);
  }

  remove() {
    const { event } = this;
    if (event) this.#change(this.list.filter((each) => each !== event), null);
  }

  undo() {
    this.#back(this.past, this.future);
  }

  redo() {
    this.#back(this.future, this.past);
  }

  #back(from, to) {
    const state = from.pop();
    if (!state) return;
    to.push({ list: this.list, chosen: this.chosen });
    this.list = state.list;
    this.chosen = Math.min(state.chosen, state.list.length - 1);
    this.#emit();
  }
}
