// Small pictures of the frames, fetched from a second, hidden player while nothing is playing.

const KEPT = 360;
const HEIGHT = 48;

export class Filmstrip extends EventTarget {
  constructor(source, { zero, frames, player }) {
    super();
    Object.assign(this, { zero, frames, player });
    this.pictures = new Map();
    this.wanted = [];
    this.busy = false;
    this.aspect = 16 / 9;
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.preload = "auto";
    this.video.src = source;
    this.video.addEventListener("loadeddata", () => {
      this.aspect = this.video.videoWidth / this.video.videoHeight || this.aspect;
      this.ready = true;
      this.dispatchEvent(new Event("change"));
    });
    this.video.addEventListener("seeked", () => this.#arrived());
    player.addEventListener("state", () => this.#next());
  }

  /** The picture of frame k if it is here; else it is fetched and "change" follows. */
  get(k) {
    return this.pictures.get(k) ?? null;
  }

  /** What is in view: fetched in this order, what was wanted before is forgotten. */
  want(list) {
    this.wanted = list.filter((k) => !this.pictures.has(k));
    this.#next();
  }

  #next() {
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
    this.dispatchEvent(new Event("change"));
    this.#next();
  }
}
