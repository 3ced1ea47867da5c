// What the screens Face and Sound share: the source on a time line, a form, a job, and the takes it has made.

import { Frames } from "../page/data.js";
import { clockText } from "../page/format.js";
import { Ruler, WaveLane } from "../page/lanes.js";
import { make } from "../page/panels.js";
import { Player } from "../page/player.js";
import { Exact, ExactFrames } from "../page/exact.js";
import { fillForm } from "./forms.js";
import { progressText } from "./jobs.js";
import { Strip } from "./strip.js";
import { TakeList } from "./take_list.js";
import { t } from "./texts.js";
import { TiledRows } from "./tiles.js";

/** One for each kind of job ("animate", "sound"); those that derive say what is shown of a chosen take. */
export class MadeScreen {
  constructor(root, kind, jobs, { tell, first }) {
    Object.assign(this, { root, kind, jobs, tell, first });
    this.file = null;
  }

  /** Show a clip that is prepared; the same clip keeps its state. */
  async show(clip) {
    if (this.file !== clip.id) await this.#open(clip);
    else await this.takes.load(clip.id);
    this.strip.resize();
  }

  async #open(clip) {
    this.file = clip.id;
    this.clip = clip;
    this.address = `/api/clips/${clip.id}`;
    this.exactFrames = clip.frames ? new ExactFrames(clip.frames) : null;
    this.#build();
    this.#play();
    this.readOptions = await fillForm(this.form, this.kind, { first: this.first });
    await this.takes.load(clip.id);
  }

  #build() {
    this.video = make("video", { playsinline: "", preload: "auto", disablepictureinpicture: "" });
    this.clock = make("output", {});
    this.playButton = make("button", { type: "button", class: "plain main" }, t("play_short"));
    this.playButton.addEventListener("click", () => this.player.toggle());
    this.status = make("p", { class: "made-status", role: "status" });
    this.form = make("form", { class: "form" });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.go = make("button", { type: "button", class: "plain main" }, t(`job_${this.kind}`));
    this.go.addEventListener("click", () => this.run(this.readOptions()));
    const list = make("ol", { class: "takes" });
    const line = make("div", {});
    this.takes = new TakeList(list, this.kind);
    this.takes.addEventListener("chosen", () => this.chosen(this.takes.chosen));
    this.takes.addEventListener("tell", ({ detail }) => { this.status.textContent = detail; });
    const source = make("figure", { class: "pane" }, this.video, make("figcaption", {}, this.clip.name));
    source.hidden = !this.clip.preview?.has_picture; // a voice alone stands on the time line below
    this.panes = make("div", { class: "panes" }, source);
    this.tools = make("div", { class: "batch" }, this.playButton, this.clock);
    const stage = make("div", { class: "card" }, this.panes, this.tools, line);
    const ask = make("div", { class: "card ask" }, make("div", { class: "card-head" }, make("h2", {}, t(`make_${this.kind}`))), this.form, make("div", { class: "batch" }, this.go), this.status);
    const made = make("div", { class: "card" }, make("div", { class: "card-head" }, make("h2", {}, t("takes")), make("span", { class: "count" }, t("takes_keys"))), make("div", { role: "radiogroup", "aria-label": t("takes") }, list));
    this.root.replaceChildren(make("div", { class: "made" }, make("div", { class: "made-left" }, stage, made), ask));
    this.line = line;
  }

  #play() {
    const { clip } = this;
    const frames = this.exactFrames ? new Frames(this.exactFrames.data) : null;
    const [start, end] = [Exact.of(clip.start).number, Exact.of(clip.end).number];
    this.player = new Player(clip.preview ? this.video : null, { zero: clip.preview ? Exact.of(clip.preview.zero).number : start, start, end, frames });
    this.strip = new Strip(this.line, { start, end, now: () => this.player.time(), seek: (at) => this.player.seek(at), label: t("timeline") });
    for (const name of ["time", "state"]) this.player.addEventListener(name, () => this.moved());
    this.own = clip.waveform ? new WaveLane(new TiledRows(clip.waveform, `${this.address}/tiles/waveform`, clip.version)) : null;
    if (clip.preview) this.video.src = `${this.address}/preview?v=${clip.version}`;
    this.player.seek(frames ? frames.center(0) : start);
  }

  moved() {
    this.clock.textContent = clockText(this.player.time(), 3);
    this.playButton.textContent = t(this.player.playing ? "pause_short" : "play_short");
    if (this.player.playing) this.strip.reveal(this.player.time());
    this.strip.drawPlayhead();
  }

  /** The lanes of the time line: a ruler, perhaps marks, the file's own sound, and those of the takes. */
  lay(lanes = [], marks = null) {
    if (this.own) this.own.label = t("own_sound");
    this.strip.lay([new Ruler(), marks, this.own, ...lanes].filter(Boolean));
  }

  /** A lane with the sound of a take. */
  waveOf(take, number) {
    if (!take.clip?.waveform) return null;
    const lane = new WaveLane(new TiledRows(take.clip.waveform, `${this.takes.address(take)}/tiles/waveform`, take.created));
    lane.label = t(`take_${this.kind}`, { number });
    lane.height = 44;
    return lane;
  }

  /** Ask for the job, say how far it is, and show what it has made. */
  async run(options) {
    this.go.disabled = true;
    try {
      const [id] = await this.jobs.ask(this.kind, [this.file], options);
      const show = () => { const job = this.jobs.known.get(id); if (job) this.status.textContent = progressText(job); };
      this.jobs.addEventListener("change", show);
      const job = await this.jobs.wait(id);
      this.jobs.removeEventListener("change", show);
      this.status.textContent = job.message;
      if (job.state === "done") await this.takes.load(this.file);
    } catch (error) {
      this.status.textContent = error.message || t("no_answer");
    }
    this.go.disabled = false;
  }

  step(count) {
    const { player } = this;
    player.pause();
    const k = player.frame();
    if (k === null) player.seek(player.time() + 0.04 * count);
    else player.seekFrame(Math.min(Math.max(k + count, 0), player.frames.count - 1));
  }

  /** What each key does here. */
  keys() {
    const own = { " ": () => this.player.toggle(), ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), x: () => this.takes.swap(), Home: () => this.player.seek(this.player.start), "+": () => this.strip.zoom(0.5), "-": () => this.strip.zoom(2) };
    for (let number = 0; number < 10; number += 1) own[number] = () => this.takes.choose(number);
    return own;
  }

  pause() {
    this.player?.pause();
  }
}
