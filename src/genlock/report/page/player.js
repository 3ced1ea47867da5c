// The one clock of the page: the media clock. The preview's own time is only ever seen in here.


const HAS_FRAME_CALLBACK = "requestVideoFrameCallback" in HTMLVideoElement.prototype;

/** Plays the preview, or only holds a position where there is none. Emits "time" and "state". */
export class Player extends EventTarget {
  constructor(video, { zero, start, end, frames }) {
    super();
    Object.assign(this, { video, zero, start, end, frames });
    this.rest = start; // where the clock stands while nothing plays; null while playing
    this.target = null; // where a seek is going, until it arrives
    this.pending = null; // the seek after that
    this.shown = null; // number of the frame that the browser says it shows
    this.range = null; // where playing stops: { start, end, once }
    this.looping = false;
    this.timer = 0;
    if (video) this.#listen();
  }

  #listen() {
    const { video } = this;
    video.addEventListener("seeked", () => {
      this.rest = this.playing ? null : this.target;
      this.target = null;
      if (this.pending !== null) {
        const { instant, toPlay } = this.pending;
        this.pending = null;
        this.#go(instant, toPlay);
      }
      this.#emit("time");
    });
    video.addEventListener("play", () => { this.rest = null; this.#emit("state"); this.#tick(); });
    video.addEventListener("pause", () => this.#emit("state"));
    video.addEventListener("ended", () => this.#reachedEnd(this.start));
    for (const name of ["ratechange", "volumechange", "loadeddata"]) video.addEventListener(name, () => this.#emit("state"));
    if (HAS_FRAME_CALLBACK && this.frames) {
      const next = (_, info) => {
        this.shown = this.frames.nearest(info.mediaTime + this.zero);
        this.#emit("time");
        video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
    }
  }

  #emit(name) {
    this.dispatchEvent(new Event(name));
  }

  get playing() {
    return Boolean(this.video) && !this.video.paused && !this.video.ended;
  }

  /** The instant on the media clock, in seconds. */
  time() {
    return this.pending?.instant ?? this.target ?? this.rest ?? this.video.currentTime + this.zero;
  }

  /** The number of the frame at this instant, or null where there is no picture. */
  frame() {
    const { frames } = this;
    if (!frames) return null;
    const t = this.time();
    let k = frames.index(t);
    if (this.playing && this.shown !== null && this.target === null && Math.abs(k - this.shown) <= 3) k = this.shown;
    return k >= 0 && k < frames.count ? k : null;
  }

  /** Go to an instant. What was playing goes on; a word's range ends. */
  seek(t, { keepRange = false } = {}) {
    if (!keepRange && this.range?.once) this.setRange(null);
    this.#go(Math.min(Math.max(t, this.start), this.end));
  }

  /** The clock stands at `instant` from now on. To play from there the preview goes there too, else to its frame. */
  #go(instant, toPlay = this.playing) {
    if (!this.video) {
      this.rest = instant;
    } else if (this.target !== null) {
      this.pending = { instant, toPlay };
    } else {
      const there = toPlay || !this.frames ? instant : this.frames.steady(instant);
      const at = Math.max(0, there - this.zero);
      this.shown = null;
      if (at === 0 && this.video.readyState === 0) {
        this.rest = instant; // it will begin there when it has come: no seek is made that could end
      } else {
        this.target = instant;
        this.video.currentTime = at;
      }
    }
    this.#emit("time");
  }

  #begin() {
    // Whoever pauses before it has begun has not failed.
    this.video.play().catch((error) => { if (error.name !== "AbortError") console.warn(`cannot play: ${error.message}`); });
  }

  /** Frame k, exactly: the middle of its cell. */
  seekFrame(k) {
    const cell = Math.min(Math.max(k, 0), this.frames.count - 1);
    this.pause();
    this.seek(this.frames.center(cell));
  }

  /** Some frames on (or back); tenths of a second where there is no picture. */
  step(count) {
    if (!this.frames) {
      this.pause();
      this.seek(this.time() + count / 10);
      return;
    }
    const k = this.frame() ?? (this.time() < this.frames.start ? -1 : this.frames.count);
    this.seekFrame(k + count);
  }

  setRange(range) {
    this.range = range;
    this.#emit("state");
  }

  play() {
    if (!this.video) return;
    const { range } = this;
    const t = this.time();
    if (range && (t < range.start - 1e-3 || t >= range.end - 2e-3)) {
      if (range.once) this.setRange(null);
      else this.seek(range.start, { keepRange: true });
    }
    if (this.time() >= this.end - 2e-3) this.seek(this.start);
    this.#go(this.time(), true);
    this.#begin();
  }

  pause() {
    if (!this.video || this.video.paused) return;
    const shown = this.shown;
    this.video.pause();
    if (!this.frames || shown === null || this.target !== null) return;
    // The clock runs a little ahead of the screen: stay on the frame that is seen.
    const [low, high] = [this.frames.edge(shown), this.frames.edge(shown + 1)];
    const t = this.time();
    this.#go(t < low ? low : Math.min(t, (low + 3 * high) / 4));
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Hear exactly [start, end), then stop (or begin again, if looping). */
  playRange(start, end) {
    this.setRange({ start, end, once: true });
    this.#go(start, true);
    if (this.video?.paused) this.#begin();
  }

  setRate(rate) {
    if (this.video) this.video.playbackRate = rate;
  }

  setLooping(on) {
    this.looping = on;
    this.#emit("state");
  }

  #tick() {
    if (!this.playing) return;
    this.#watchEnd();
    this.#emit("time");
    requestAnimationFrame(() => this.#tick());
  }

  /** Stops on time even between two drawings. */
  #watchEnd() {
    if (!this.range || this.target !== null) return;
    const left = this.range.end - this.time();
    if (left <= 0.001) {
      this.#reachedEnd(this.range.start);
    } else if (left < 0.1) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.playing && this.#watchEnd(), (1000 * left) / this.video.playbackRate);
    }
  }

  #reachedEnd(again) {
    if (this.looping) {
      this.#go(again, true);
      if (this.video.paused || this.video.ended) this.#begin();
      return;
    }
    this.video.pause();
    const { range } = this;
    if (range) this.#go(range.end - 1e-6);
    if (range?.once) this.setRange(null);
    this.#emit("time");
  }
}
