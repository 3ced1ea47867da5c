// The sound of the preview, shifted while it plays: a second player of the same source, held beside the first.

const STEADY = 0.004; // seconds that the two may be apart
const FAR = 0.15; // from here on it jumps; nearer it runs a little faster or slower until it is there
const STRONGEST = 0.12; // of its speed that it is changed by at most
const SETTLE_MS = 40;

/**
 * At picture time t one hears what the file has at t - offset: an offset above zero (the sound is early) makes it wait.
 * Both players run on the clock of the same sound card, so that each knows to a few milliseconds where it is.
 */
export class TwinSound extends EventTarget {
  constructor(video, source, { zero, offsetAt }) {
    super();
    Object.assign(this, { video, source, zero, offsetAt });
    this.on = false; // whether the shifted sound is what one hears
    this.muted = false; // whether one hears nothing at all
    this.timer = 0;
    for (const name of ["play", "playing", "pause", "ended", "seeking", "seeked", "ratechange"]) video.addEventListener(name, () => this.#follow());
  }

  /** Hear the shifted sound, or the file as it is. */
  set(on) {
    this.on = on;
    if (on && !this.sound) this.#open();
    this.#loudness();
    this.#follow();
    this.dispatchEvent(new Event("change"));
  }

  mute(on) {
    this.muted = on;
    this.#loudness();
    this.dispatchEvent(new Event("change"));
  }

  #open() {
    this.sound = new Audio();
    this.sound.preload = "auto";
    this.sound.src = this.source;
    this.sound.addEventListener("seeked", () => this.#follow());
    this.sound.addEventListener("canplay", () => this.#follow());
  }

  #loudness() {
    this.video.muted = this.muted || this.on;
    if (this.sound) this.sound.muted = this.muted || !this.on;
  }

  /** Where the second player should be now, in its own time. */
  get #wanted() {
    const { currentTime } = this.video;
    return currentTime - this.offsetAt(currentTime + this.zero);
  }

  /** How far the second player is ahead of where it should be, in seconds; for tests. */
  get ahead() {
    return this.sound ? this.sound.currentTime - this.#wanted : null;
  }

  #follow() {
    const { sound, video } = this;
    if (!sound) return;
    clearTimeout(this.timer);
    const wanted = this.#wanted;
    const there = wanted >= 0 && !(wanted >= sound.duration);
    if (!there || video.paused || video.ended || video.seeking) {
      if (!sound.paused) sound.pause();
      if (there && !sound.seeking && Math.abs(sound.currentTime - wanted) > STEADY) sound.currentTime = wanted;
      // Before its beginning the shifted sound is silent: look again when it is due.
      if (!there && !video.paused) this.timer = setTimeout(() => this.#follow(), Math.max(4, Math.min(SETTLE_MS, -1000 * wanted)));
      return;
    }
    if (sound.seeking) return; // "seeked" comes
    const away = sound.currentTime - wanted;
    if (Math.abs(away) > FAR) {
      sound.currentTime = wanted;
      sound.playbackRate = video.playbackRate;
    } else {
      const mend = Math.abs(away) < STEADY ? 0 : Math.min(Math.max(3 * away, -STRONGEST), STRONGEST);
      const rate = video.playbackRate * (1 - mend);
      if (sound.playbackRate !== rate) sound.playbackRate = rate;
    }
    if (sound.paused) sound.play().catch((error) => console.info(`the shifted sound does not play: ${error.message}`));
    this.timer = setTimeout(() => this.#follow(), SETTLE_MS);
  }
}
