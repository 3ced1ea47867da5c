// The sound, shifted while it plays: pieces that the server has decoded, laid on the clock of the picture.

import { getTile } from "./api.js";
import { Exact } from "../page/exact.js";

const AHEAD = 1.5; // seconds that are handed to the sound card beforehand
const LEAST_DRIFT = 0.015;

/** Plays the sound of picture time t from t - offset: an offset above zero (the sound is early) makes it wait. */
export class ShiftedSound extends EventTarget {
  constructor(player, sound, address, version, pieceSeconds) {
    super();
    Object.assign(this, { player, sound, address, version, pieceSeconds });
    this.origin = Exact.of(sound.origin).number;
    this.offset = 0;
    this.on = false;
    this.pieces = new Map();
    this.sources = new Set();
    this.timer = 0;
    player.addEventListener("state", () => this.#follow());
  }

  /** Hear the sound shifted, or the file as it is. */
  set(on, offset = this.offset) {
    this.on = on;
    this.offset = offset;
    this.#silence();
    this.player.video.muted = on || this.muted === true;
    this.#follow();
    this.dispatchEvent(new Event("change"));
  }

  #follow() {
    const active = this.on && this.player.playing;
    if (active && !this.timer) {
      this.context ??= new AudioContext({ latencyHint: "interactive" });
      this.context.resume();
      this.timer = setInterval(() => this.#lay(), 60);
      this.#lay();
    } else if (!active && this.timer) {
      clearInterval(this.timer);
      this.timer = 0;
      this.#silence();
    }
  }

  #silence() {
    for (const source of this.sources) source.stop();
    this.sources.clear();
    this.anchor = null;
  }

  /** Lay the pieces of the next moments; begin anew if picture and sound have come apart. */
  #lay() {
    const { context, player } = this;
    if (player.target !== null) { this.#silence(); return; }
    const speed = player.video.playbackRate;
    const now = player.time();
    const sounding = context.currentTime;
    if (this.anchor) {
      const expected = this.anchor.media + (sounding - this.anchor.at) * this.anchor.speed;
      if (Math.abs(expected - now) > LEAST_DRIFT || this.anchor.speed !== speed) this.#silence();
    }
    if (!this.anchor) this.anchor = { media: now, at: sounding, speed, laid: now };
    const { anchor } = this;
    // What is handed over now is heard after the way through the sound card.
    const latency = context.outputLatency || context.baseLatency || 0;
    while (anchor.laid < now + AHEAD * speed) {
      const from = anchor.laid - this.offset;
      const number = Math.floor((from - this.origin) / this.pieceSeconds);
      const ends = this.origin + (number + 1) * this.pieceSeconds + this.offset;
      if (number < 0) { anchor.laid = Math.min(ends, now + AHEAD * speed); continue; }
      const piece = this.#piece(number);
      if (piece === undefined) return; // on its way: next time
      if (piece) this.#play(piece, anchor, from, latency);
      anchor.laid = ends;
    }
  }

  #play(piece, anchor, from, latency) {
    const { context } = this;
    const source = context.createBufferSource();
    source.buffer = piece.buffer;
    source.playbackRate.value = anchor.speed;
    source.connect(context.destination);
    const media = from + this.offset;
    let when = anchor.at + (media - anchor.media) / anchor.speed - latency;
    let into = from - piece.start;
    if (when < context.currentTime) {
      into += (context.currentTime - when) * anchor.speed;
      when = context.currentTime;
    }
    if (into >= piece.buffer.duration) return;
    source.start(when, Math.max(0, into));
    this.sources.add(source);
    source.addEventListener("ended", () => this.sources.delete(source));
  }

  /** The piece if it is here; null if there is none; undefined while it is on its way. */
  #piece(number) {
    if (number * this.pieceSeconds * this.sound.rate >= this.sound.count) return null;
    for (const n of [number, number + 1]) {
      if (!this.pieces.has(n) && n * this.pieceSeconds * this.sound.rate < this.sound.count) this.#fetch(n);
    }
    return this.pieces.get(number);
  }

  async #fetch(number) {
    this.pieces.set(number, undefined);
    if (this.pieces.size > 24) this.pieces.delete(this.pieces.keys().next().value);
    try {
      const { header, values } = await getTile(`${this.address}/sound/${number}?v=${this.version}`);
      const rate = Exact.of(header.rate).number;
      const buffer = this.context.createBuffer(1, values.length, rate);
      buffer.copyToChannel(Float32Array.from(values, (x) => x / 32767), 0);
      // Sample n lies at origin + n / rate; the header's cells are centred on their samples.
      const start = Exact.of(header.start).number + (header.first + 0.5) / rate;
      this.pieces.set(number, { start, buffer });
    } catch (error) {
      console.info(`a piece of sound is missing: ${error.message}`);
      this.pieces.delete(number);
    }
  }
}
