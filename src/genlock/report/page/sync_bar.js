// Sound against picture, first of all: what was found, heard as it is or repaired, and the command that repairs it.

import { make } from "./panels.js";

const STEP = 0.01; // seconds by which a key moves the sound

/** The offset (seconds, positive: the sound is early) at an instant, as it was measured. */
export function measuredAt({ offset, at, drift, parts }, t) {
  const part = parts.find(([, end]) => t < end) ?? parts.at(-1);
  if (part) return part[2];
  return offset === null ? 0 : offset + drift * (t - at);
}

/** Words for a move of the sound: "0.214 s" of late sound come earlier. */
function movedText(seconds) {
  const ms = Math.round(Math.abs(seconds) * 1000);
  return ms === 0 ? "not moved" : `${ms} ms ${seconds > 0 ? "later" : "earlier"}`;
}

/** A button that copies a text and says so. */
export function copyButton(text, what) {
  const button = make("button", { type: "button", class: "icon small", title: "Copy" });
  button.innerHTML = '<svg><use href="#i-copy"/></svg>';
  const said = make("span", { class: "sr", role: "status" }, what);
  button.append(said);
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(text());
    button.classList.add("done");
    said.textContent = "copied";
    setTimeout(() => { button.classList.remove("done"); said.textContent = what; }, 1500);
  });
  return button;
}

/** The bar above the picture. `twin`: who plays the shifted sound, or null where there is no sound or no picture. */
export class SyncBar {
  constructor(sync, twin) {
    Object.assign(this, { sync, twin });
    this.byHand = 0; // seconds that a person adds to what was measured
    const $ = (id) => document.getElementById(id);
    this.parts = { asIs: $("hear-as-is"), shifted: $("hear-shifted"), less: $("sound-earlier"), more: $("sound-later"), moved: $("sound-moved") };
    $("sync-bar").hidden = !sync;
    if (!sync) return;
    $("sync-sentence").textContent = sync.sentence;
    $("sync-dot").classList.add(sync.mark);
    const { offsets } = sync;
    this.varies = offsets.parts.length > 1 || offsets.drift !== 0;
    $("repair").append(make("code", { id: "repair-text" }), copyButton(() => this.command, "Copy the command that repairs it"));
    this.#showCommand();
    $("hearing").hidden = !twin;
    if (!twin) return;
    this.parts.asIs.addEventListener("click", () => twin.set(false));
    this.parts.shifted.addEventListener("click", () => twin.set(true));
    this.parts.less.addEventListener("click", () => this.move(-1));
    this.parts.more.addEventListener("click", () => this.move(1));
    twin.addEventListener("change", () => this.#show());
    this.#show();
  }

  /** The offset that is taken out of what one hears, at an instant of the media clock. */
  offsetAt(t) {
    return measuredAt(this.sync.offsets, t) + this.byHand;
  }

  /** Move the sound by a step: one hears the shifted sound from then on. */
  move(steps) {
    if (!this.twin) return;
    this.byHand = Math.round((this.byHand + steps * STEP) * 1000) / 1000;
    this.twin.set(true);
  }

  toggle() {
    this.twin?.set(!this.twin.on);
  }

  #show() {
    const { parts, sync, twin, byHand } = this;
    parts.asIs.setAttribute("aria-pressed", String(!twin.on));
    parts.shifted.setAttribute("aria-pressed", String(twin.on));
    const { offsets } = sync;
    parts.shifted.textContent = offsets.offset === null || byHand ? "Moved" : "Repaired";
    this.#showCommand();
    parts.moved.textContent = this.varies
      ? `as measured${byHand ? `, and ${movedText(byHand)}` : ""}`
      : `sound ${movedText((offsets.offset ?? 0) + byHand)}`;
  }

  /** The command for what one hears: by what was measured, or by what a person has added to it. */
  get command() {
    const { repair, move, offsets } = this.sync;
    const ms = Math.round(1000 * ((offsets.offset ?? 0) + this.byHand));
    return this.byHand && move && !this.varies && ms ? `${move} ${ms}` : repair;
  }

  #showCommand() {
    const { command } = this;
    document.getElementById("repair").hidden = !command;
    document.getElementById("repair-text").textContent = command;
    document.getElementById("sync-advice").textContent = command ? "" : this.sync.advice;
  }
}
