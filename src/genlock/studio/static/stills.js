// The frame that stands: a picture of exactly the frame that is said, laid over the video while nothing plays.

/** Shows frames that the server has decoded from the file itself. */
export class Stills extends EventTarget {
  constructor(image, player, address, version) {
    super();
    Object.assign(this, { image, player, address, version });
    this.shown = null; // number of the frame that the picture shows; null while it is hidden
    this.wanted = null;
    this.on = true;
    image.addEventListener("load", () => this.#arrived());
    image.addEventListener("error", () => { this.wanted = null; });
    for (const name of ["time", "state"]) player.addEventListener(name, () => this.update());
    this.update();
  }

  #side() {
    return [320, 640, 960, 1280, 1920].find((side) => side >= this.image.parentElement.clientWidth * (window.devicePixelRatio || 1)) ?? 1920;
  }

  update() {
    const { image, player } = this;
    const k = player.playing || !this.on ? null : player.frame();
    if (k === null) {
      image.hidden = true;
      this.shown = null;
      this.wanted = null;
      return;
    }
    if (k === this.wanted) return;
    this.wanted = k;
    this.shown = null;
    image.src = `${this.address}/frames/${k}?side=${this.#side()}&v=${this.version}`;
  }

  #arrived() {
    if (this.wanted === null || !this.image.src.includes(`/frames/${this.wanted}?`)) return;
    this.shown = this.wanted;
    this.image.hidden = false;
    this.dispatchEvent(new Event("change"));
  }
}
