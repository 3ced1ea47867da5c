// The frame that stands: a picture of exactly the frame that is said, laid over the video while nothing plays.

/** Shows frames decoded from the film itself: by the browser where it can, else by the server. */
export class Stills extends EventTarget {
  constructor(canvas, player, address, version, browser) {
    super();
    Object.assign(this, { canvas, player, address, version, browser });
    this.shown = null; // number of the frame that the picture shows; null while it is hidden
    this.by = null; // who decoded it: "browser" or "server"
    this.wanted = null;
    this.on = true;
    for (const name of ["time", "state"]) player.addEventListener(name, () => this.update());
    this.update();
  }

  /** Pixels of the longer side that can be seen. */
  get side() {
    return [320, 640, 960, 1280, 1920].find((side) => side >= this.canvas.parentElement.clientWidth * (window.devicePixelRatio || 1)) ?? 1920;
  }

  update() {
    const { canvas, player } = this;
    const k = player.playing || !this.on ? null : player.frame();
    if (k === this.wanted) return;
    this.wanted = k;
    this.shown = null;
    if (k === null) canvas.hidden = true;
    else this.#show(k);
  }

  async #show(k) {
    const own = await this.browser.picture(k);
    if (k !== this.wanted) return;
    const picture = own ?? (await this.#fromServer(k));
    if (k !== this.wanted || !picture) return;
    this.canvas.width = picture.width;
    this.canvas.height = picture.height;
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    this.canvas.hidden = false;
    this.shown = k;
    this.by = own ? "browser" : "server";
    this.dispatchEvent(new Event("change"));
  }

  async #fromServer(k) {
    const image = new Image();
    image.src = `${this.address}/frames/${k}?side=${this.side}&v=${this.version}`;
    try {
      await image.decode();
      return image;
    } catch {
      if (this.wanted === k) this.wanted = null; // asked for again with the next movement
      return null;
    }
  }
}
