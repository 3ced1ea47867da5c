// The Warp by hand: from which instant on the sound is moved by how much, and a drift; read, corrected, asked for.

import { make } from "../page/panels.js";
import { t } from "./texts.js";

/** Emits "change". `steps` are [{ start, offset }] in seconds, `drift` in ppm. */
export class WarpTable extends EventTarget {
  constructor(body, drift, add) {
    super();
    Object.assign(this, { body, driftInput: drift });
    this.steps = [];
    this.end = Infinity; // of the film
    drift.addEventListener("input", () => this.#changed());
    add.addEventListener("click", () => {
      const last = this.steps.at(-1) ?? { start: 0, offset: 0 };
      const start = Math.round(1000 * Math.min(last.start + 10, (last.start + this.end) / 2)) / 1000; // within the film
      this.show([...this.steps, { start, offset: last.offset }], this.drift);
      this.body.lastElementChild.querySelector("input").focus();
      this.#changed();
    });
  }

  get drift() {
    return Number(this.driftInput.value) || 0;
  }

  /** What was measured: its segments, or the one offset. */
  take(sync) {
    const known = (sync?.segments ?? []).filter((part) => part.offset_seconds !== null);
    const parts = known.length ? known.map((part, k) => ({ start: k ? part.start_seconds : 0, offset: part.offset_seconds })) : [{ start: 0, offset: sync?.offset_seconds ?? 0 }];
    const [low, high] = sync?.drift_interval_ppm ?? [0, 0];
    const drift = sync?.drift_ppm && (low > 0 || high < 0) ? sync.drift_ppm : 0;
    // The offset is quoted at one instant; the drift is counted from the film's zero.
    const moved = parts.map((part) => ({ ...part, offset: part.offset - drift * 1e-6 * (sync?.at_seconds ?? 0) }));
    this.show(moved, drift);
    this.#changed();
  }

  show(steps, drift) {
    this.steps = steps;
    this.driftInput.value = Math.round(drift * 10) / 10;
    this.body.replaceChildren(...steps.map((step, k) => this.#row(step, k)));
  }

  /** Another place for step k, as if it had been typed. */
  put(k, { start, offset }) {
    Object.assign(this.steps[k], { start, offset });
    const [at, by] = this.body.children[k].querySelectorAll("input");
    at.value = Math.round(start * 1000) / 1000;
    by.value = Math.round(offset * 10000) / 10;
    this.#changed();
  }

  #row(step, k) {
    const number = (label, value, take) => {
      const input = make("input", { type: "number", step: "any", "aria-label": label });
      input.value = value;
      input.addEventListener("input", () => { take(Number(input.value) || 0); this.#changed(); });
      return make("td", {}, input);
    };
    const remove = make("button", { type: "button", class: "plain small", disabled: this.steps.length < 2 || null }, t("remove"));
    remove.addEventListener("click", () => { this.show(this.steps.filter((each) => each !== step), this.drift); this.#changed(); });
    return make("tr", {},
      number(t("warp_from", { number: k + 1 }), Math.round(step.start * 1000) / 1000, (value) => { step.start = value; }),
      number(t("warp_offset", { number: k + 1 }), Math.round(step.offset * 10000) / 10, (value) => { step.offset = value / 1000; }),
      make("td", {}, remove));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** The options of the job: numbers as they are typed, exact. */
  get options() {
    const digits = (value, n) => String(Number(value.toFixed(n)));
    return { stretches: this.steps.map(({ start, offset }) => `${digits(start, 6)}:${digits(1000 * offset, 4)}`).join(","), drift_ppm: digits(this.drift, 3) };
  }
}
