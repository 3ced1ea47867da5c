// Small pictures of the frames, fetched from a second, hidden player while nothing is playing.

const KEPT = 360;
const HEIGHT = 48;
const REST_MS = 120; // pictures are fetched once the view has stood still so long: decoding beside drawing makes both slow

export class Filmstrip extends EventTarget {
  constructor(source, { zero, frames, player }) {
    super();
    Object.assign(this, { source, zero, frames, player });
    this.pictures = new Map();
    this.wanted = [];
    this.busy = false;
    this.still = 0; // until then nothing is fetched
    this.aspect = 16 / 9;
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.preload = "auto";
    this.video.addEventListener("loadeddata", () => {
      this.aspect = this.video.videoWidth / this.video.videoHeight || this.aspect;
      this.ready = true;
      this.dispatchEvent(new Event("change"));
    });
    this.video.addEventListener("seeked", () => this.#arrived());
    player.addEventListener("state", () => this.#next());
  }

  /** Begin: from now on pictures come. */
  open() {
    this.video.src = this.source;
  }

  /** The picture of frame k if it is here; else it is fetched and "change" follows. */
  get(k) {
    return this.pictures.get(k) ?? null;
  }

  /** What is in view: fetched in this order, what was wanted before is forgotten. */
  want(list) {
    const before = new Set(this.wanted);
    this.wanted = list.filter((k) => !this.pictures.has(k));
    if (this.wanted.some((k) => !before.has(k) && k !== this.current)) {
      this.still = performance.now() + REST_MS;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#next(), REST_MS + 1);
    } else this.#next();
  }

  #next() {
    if (performance.now() < this.still) return;
    if (this.busy || !this.ready || this.player.playing || !this.wanted.length || document.hidden) return;
    this.busy = true;
    this.current = this.wanted.shift();
    this.video.currentTime = Math.max(0, this.frames.center(this.current) - this.zero);
  }

  #arrived() {
    if (!this.busy) return;
    const scale = HEIGHT * Math.min(2, devicePixelRatio || 1);
    const canvas = document.createElement("canvas");
    canvas.height = Math.round(scale);
    canvas.width = Math.max(1, Math.round(scale * this.aspect));
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    this.pictures.set(this.current, canvas);
    if (this.pictures.size > KEPT) this.pictures.delete(this.pictures.keys().next().value);
    this.busy = false;
    const [a, b] = [this.frames.edge(this.current), this.frames.edge(this.current + 1)];
    this.dispatchEvent(new CustomEvent("change", { detail: { a, b } }));
    this.#next();
  }
}
