// A face that talks: the voice and what was made of it side by side, in step.

import { make } from "../page/panels.js";
import { Exact } from "../page/exact.js";
import { MadeScreen } from "./made_screen.js";
import { t } from "./texts.js";

const LEAST = 0.03; // seconds that two films may lie apart

export class FaceScreen extends MadeScreen {
  constructor(root, jobs, { tell }) {
    super(root, "animate", jobs, { tell, first: ["identity", "face", "model", "gain", "seed"] });
  }

  chosen(take) {
    this.result?.remove();
    this.result = null;
    this.lay();
    if (!take) return;
    const playable = take.playable && take.clip.preview?.has_picture;
    this.made = playable ? make("video", { playsinline: "", preload: "auto", disablepictureinpicture: "" }) : null;
    const shown = this.made ?? make("p", { class: "empty" }, t("no_picture", { name: take.output }));
    this.result = make("figure", { class: "pane" }, shown, make("figcaption", {}, t("take_animate", { number: this.takes.takes.indexOf(take) + 1 })));
    this.panes.append(this.result);
    if (!this.made) return;
    this.made.muted = true; // the voice is that of the source
    this.zero = Exact.of(take.clip.preview.zero).number;
    this.lead = Exact.of(this.clip.start).number; // the face begins with the sound
    this.made.addEventListener("loadeddata", () => this.#follow());
    this.made.src = `${this.takes.address(take)}/preview?v=${take.created}`;
  }

  moved() {
    super.moved();
    this.#follow();
  }

  /** The face goes where the voice is. */
  #follow() {
    const { made, player } = this;
    if (!made || made.readyState < 1) return;
    const at = Math.min(Math.max(player.time() - this.lead - this.zero, 0), made.duration || 0);
    if (player.playing) {
      made.playbackRate = player.video.playbackRate;
      if (Math.abs(made.currentTime - at) > 3 * LEAST && !made.seeking) made.currentTime = at;
      if (made.paused && at < made.duration) made.play().catch(() => {});
    } else {
      made.pause();
      if (Math.abs(made.currentTime - at) > LEAST / 3 && !made.seeking) made.currentTime = at;
    }
  }
}
