// The timeline: picture, sound and words of one clip in exact step, and their correction.

import { Filmstrip } from "../page/filmstrip.js";
import { Frames } from "../page/data.js";
import { clockText, countText, signedMs, timecodeText } from "../page/format.js";
import { Player } from "../page/player.js";
import { Timeline, wordText } from "../page/timeline.js";
import { phraseAt, phraseNodes } from "../page/words.js";
import { getJson } from "./api.js";
import { BorderTools } from "../page/border_tools.js";
import { BrowserFrames } from "./browser_frames.js";
import { CueList } from "./cue_list.js";
import { Editor } from "./editor.js";
import { Exact, ExactFrames } from "../page/exact.js";
import { LaneMenu } from "./lane_menu.js";
import { ShiftedSound } from "./shift.js";
import { Stills } from "./stills.js";
import { t } from "./texts.js";
import { TiledRows } from "./tiles.js";
import { WordText } from "./word_text.js";

const $ = (id) => document.getElementById(id);
const LONGEST_WAIT_MS = 2000; // for the waveform, before films are opened
const LEAD = 0.5; // seconds that are heard before or after a border

/** Everything that the page knows of a clip, in the form that the report's modules take. */
function modelOf(clip) {
  const address = `/api/clips/${clip.id}`;
  const exactFrames = clip.frames ? new ExactFrames(clip.frames) : null;
  const frames = exactFrames ? new Frames(exactFrames.data) : null;
  const rows = (name) => (clip[name] ? new TiledRows(clip[name], `${address}/tiles/${name}`, clip.version) : null);
  const waveform = rows("waveform");
  const spectrogram = rows("spectrogram");
  const editor = new Editor(address, { exactFrames, frames, sound: clip.sound });
  return { address, editor, exactFrames, frames, waveform, spectrogram, curves: [], words: editor.words, editable: true, timecode: clip.timecode };
}

const soon = (ms) => new Promise((go) => setTimeout(go, ms));
/** Once what has been drawn so far is on the screen (a page that nobody sees draws nothing: there it is at once). */
const nextPaint = () => new Promise((go) => (document.hidden ? go() : requestAnimationFrame(() => setTimeout(go))));

export class TimelineScreen {
  constructor(jobs, { ask, tell }) {
    Object.assign(this, { jobs, ask, tell });
    this.clip = null;
  }

  /**
   * Build it for one clip; a page holds one clip, another one is another page. Words and rows are drawn first; films and
   * pictures, which take the browser long to open, come once these are on the screen.
   */
  async open(clip) {
    this.clip = clip;
    const model = (this.model = modelOf(clip));
    const { preview } = clip;
    const frames = model.frames;
    this.player = new Player(preview ? $("video") : null, {
      zero: preview ? Exact.of(preview.zero).number : Exact.of(clip.start).number,
      start: Exact.of(clip.start).number,
      end: Exact.of(clip.end).number,
      frames,
    });
    const source = `${model.address}/preview?v=${clip.version}`;
    this.strip = preview?.has_picture && frames ? new Filmstrip(source, { zero: this.player.zero, frames, player: this.player }) : null;
    this.shift = preview && clip.sound ? new ShiftedSound(this.player, clip.sound, model.address, clip.version, clip.piece_seconds) : null;
    this.editor = model.editor;
    const tools = new BorderTools(this.editor, this.player);
    this.timeline = tools.timeline = new Timeline(model, this.player, this.strip, { tools });
    for (const rows of [model.waveform, model.spectrogram]) rows?.addEventListener("change", ({ detail }) => this.timeline.arrived(detail));
    this.text = new WordText($("flow"), (number) => this.playWord(number));
    this.menu = new LaneMenu($("lane-menu"), this.timeline, model.address, { find: () => this.ask("lanes", [clip.id]), tell: this.tell });
    this.cues = new CueList($("cues"), model.address, this.editor, this.jobs, { file: clip.id, play: (a, b) => this.player.playRange(a, b), tell: this.tell });
    this.#dress();
    this.#listen();
    await this.editor.load();
    this.editor.select(this.editor.list.findIndex((word) => word.from !== null));
    this.player.rest = frames ? frames.center(0) : this.player.start;
    this.#update();
    this.#painted().then(() => this.#openFilm(source));
  }

  /** Resolves once words and waveform have been drawn, and says so to whoever measures. */
  async #painted() {
    const { waveform } = this.model;
    if (waveform && !waveform.tiles.size) await Promise.race([new Promise((go) => waveform.addEventListener("change", go, { once: true })), soon(LONGEST_WAIT_MS)]);
    await nextPaint();
    performance.mark("genlock painted");
    this.painted = true;
  }

  /** What can wait until words and rows are on the screen. */
  #openFilm(source) {
    const { clip, model, player } = this;
    const { frames } = model;
    if (clip.preview) $("video").src = source;
    player.seek(player.time());
    this.strip?.open();
    if (frames) {
      const browser = new BrowserFrames(`${model.address}/source?v=${clip.version}`, frames, clip.picture_codecs, () => this.stills.side);
      this.stills = new Stills($("still"), player, model.address, clip.version, browser);
    }
    this.menu.offer(clip.lanes).catch((error) => this.tell(error.message)); // they come when they come
    this.opened = true;
  }

  #dress() {
    const { clip, model } = this;
    document.body.classList.toggle("silent-picture", !(clip.preview?.has_picture));
    $("frame-cell").hidden = !model.frames;
    $("timecode-cell").hidden = !(model.timecode && model.frames);
    if (model.frames) $("frame-count").textContent = t("of_count", { count: countText(model.frames.count) });
    if (clip.preview_reason) this.tell(t("no_preview", { reason: clip.preview_reason }));
    if (clip.preview?.note) this.tell(clip.preview.note);
    const offset = clip.sync?.offset_seconds;
    $("shift-ms").value = offset === null || offset === undefined ? 0 : Math.round(offset * 1000);
    $("shift-note").textContent = offset === null || offset === undefined ? t("not_measured") : t("measured", { offset: signedMs(offset) });
    $("shift-on").disabled = $("shift-ms").disabled = !this.shift;
  }

  /** Other lanes may be there: they are offered anew. */
  async lanesChanged() {
    const { lanes } = await getJson(`${this.model.address}/lanes`);
    await this.menu.offer(lanes);
  }

  #tookSpans({ name, spans }) {
    if (name !== "shots") return;
    // The first shot begins with the film; every other one is a change.
    this.editor.shots = spans.slice(1).map((span) => Exact.of(span.start));
    $("shot-snap").hidden = !this.editor.shots.length;
    this.timeline.drawOverlay();
  }

  // ------------------------------------------------------------ what follows the clock

  #update() {
    const { player, model } = this;
    const time = player.time();
    const k = player.frame();
    $("clock").textContent = clockText(time, 3);
    if (model.frames) $("frame-number").textContent = k === null ? "–" : String(k);
    if (model.timecode && k !== null) $("timecode").textContent = timecodeText(model.timecode, k);
    const now = model.words.at(time);
    $("word-now").textContent = now < 0 ? "–" : model.words.placed[now].text;
    const caption = `${now}/${phraseAt(model.words, time)?.start}`;
    if (caption !== this.caption) {
      this.caption = caption;
      $("caption").replaceChildren(...phraseNodes(model.words, time, now));
      this.text.markNow(now < 0 ? -1 : model.words.placed[now].number, player.playing);
    }
    if (player.playing) this.timeline.follow(time);
    this.timeline.drawOverlay();
  }

  #wordsChanged() {
    this.model.words = this.editor.words;
    this.caption = null;
    this.timeline.wordsChanged();
    clearTimeout(this.textTimer);
    // The text is laid anew when the changes pause: of 15,000 words it takes a moment.
    this.textTimer = setTimeout(() => this.#drawText(), this.editor.list.length > 2000 ? 250 : 0);
    this.#showChosen();
    this.#update();
  }

  #drawText() {
    const { list, document: told } = this.editor;
    const { focused } = this.text;
    this.text.lay(list);
    $("words-count").textContent = list.length;
    $("no-words").hidden = list.length > 0;
    $("newer-result").hidden = !told?.newer_result;
    this.#showChosen(focused);
  }

  #showChosen(focus = false) {
    const { editor } = this;
    const { word, selected, border } = editor;
    this.text.choose(selected, focus);
    const text = $("word-text");
    text.disabled = !word;
    if (document.activeElement !== text) text.value = word?.text ?? "";
    $("edit-border").textContent = t(border === "start" ? "border_start" : "border_end");
    const here = word && word.from !== null;
    $("word-facts").textContent = here ? wordText({ start: word.from, end: word.to, confidence: word.confidence }, this.model.frames) : (word?.reason ?? "");
    for (const id of ["edit-border", "edit-before", "edit-after", "edit-split", "edit-join"]) $(id).disabled = !here;
    $("edit-remove").disabled = !word;
    $("edit-undo").disabled = !editor.done.length;
    $("edit-redo").disabled = !editor.undone.length;
    this.timeline.drawOverlay();
  }

  // ------------------------------------------------------------ what people do

  playWord(number) {
    const word = this.editor.list[number];
    this.editor.select(number);
    if (!word || word.from === null) return;
    this.player.playRange(word.from, word.to);
    this.timeline.follow(word.from);
  }

  /** Half a second up to the border, or on from it. */
  playBeside(after) {
    const { word, border } = this.editor;
    if (!word || word.from === null) return;
    const at = border === "start" ? word.from : word.to;
    if (after) this.player.playRange(at, Math.min(at + LEAD, this.player.end));
    else this.player.playRange(Math.max(at - LEAD, this.player.start), at);
  }

  #otherWord(step) {
    const { list, selected } = this.editor;
    const k = Math.min(Math.max(selected + step, 0), list.length - 1);
    if (list.length) this.playWord(k);
  }

  #insert() {
    const { range } = this.player;
    const at = this.player.time();
    const [a, b] = range && !range.once ? [range.start, range.end] : [at, at + 0.2];
    if (this.editor.insert(a, b, t("new_word"))) $("word-text").focus();
    else this.tell(t("no_room"));
  }

  #did(done, why) {
    this.tell(done ? "" : t(why));
  }

  #toggleShift() {
    if (!this.shift) return;
    this.shift.set(!this.shift.on, Number($("shift-ms").value) / 1000);
  }

  #selectRange(edge) {
    const { player } = this;
    const time = player.time();
    const old = player.range && !player.range.once ? player.range : { start: player.start, end: player.end };
    const range = { ...old, [edge]: time, once: false };
    if (range.end > range.start) player.setRange(range);
  }

  keys() {
    const { player, editor, timeline } = this;
    return {
      " ": () => player.toggle(),
      k: () => player.pause(),
      l: () => { if (player.playing) player.setRate(Math.min(2, player.video.playbackRate * 2)); else { player.setRate(1); player.play(); } },
      j: () => player.seek(player.time() - 1),
      ArrowLeft: () => player.step(-1),
      ArrowRight: () => player.step(1),
      "shift ArrowLeft": () => this.#otherWord(-1),
      "shift ArrowRight": () => this.#otherWord(1),
      "alt ArrowLeft": () => this.#did(editor.nudge(-1), "cannot_move"),
      "alt ArrowRight": () => this.#did(editor.nudge(1), "cannot_move"),
      Enter: () => this.playWord(editor.selected),
      b: () => editor.select(editor.selected, editor.border === "start" ? "end" : "start"),
      ",": () => this.playBeside(false),
      ".": () => this.playBeside(true),
      s: () => this.#did(editor.split(player.time()), "cannot_split"),
      g: () => this.#did(editor.join(), "cannot_join"),
      e: () => $("word-text").focus(),
      n: () => this.#insert(),
      Delete: () => this.#did(editor.removeWord(), "no_word"),
      f: () => $("snapping").click(),
      c: () => $("shot-snapping").click(),
      r: () => player.setLooping(!player.looping),
      x: () => this.#toggleShift(),
      i: () => this.#selectRange("start"),
      o: () => this.#selectRange("end"),
      Escape: () => player.setRange(null),
      Home: () => (this.model.frames ? player.seekFrame(0) : player.seek(player.start)),
      End: () => (this.model.frames ? player.seekFrame(this.model.frames.count - 1) : player.seek(player.end)),
      "+": () => timeline.zoom(0.5),
      "=": () => timeline.zoom(0.5),
      "-": () => timeline.zoom(2),
      0: () => timeline.showAll(),
      w: () => { const { word } = editor; if (word?.from !== null && word) timeline.show(word.from - 0.4, word.to + 0.4); },
      "ctrl z": () => this.#did(editor.undo(), "nothing_to_undo"),
      "ctrl y": () => this.#did(editor.redo(), "nothing_to_redo"),
      "ctrl shift z": () => this.#did(editor.redo(), "nothing_to_redo"),
    };
  }

  #listen() {
    const { player, timeline, editor } = this;
    player.addEventListener("time", () => this.#update());
    player.addEventListener("state", () => {
      $("play-icon").setAttribute("href", `/page/icons.svg#${player.playing ? "i-pause" : "i-play"}`);
      $("loop").setAttribute("aria-pressed", String(player.looping));
      this.#update();
    });
    timeline.addEventListener("word", (event) => this.playWord(this.model.words.placed[event.detail].number));
    timeline.addEventListener("view", () => { $("view-span").textContent = t("in_view", { span: timeline.spanText() }); });
    timeline.addEventListener("tell", (event) => { $("hint").textContent = event.detail.map(([, text]) => text).join(" · ") || t("timeline_hint"); });
    editor.addEventListener("words", () => this.#wordsChanged());
    editor.addEventListener("selected", () => this.#showChosen());
    editor.addEventListener("saving", () => { $("save-state").textContent = t("saving"); });
    editor.addEventListener("saved", () => { $("save-state").textContent = t("saved", { revision: editor.revision }); });
    editor.addEventListener("refused", ({ detail }) => {
      $("save-state").textContent = t("not_saved");
      this.tell(detail.status ? detail.message : t("no_answer"));
    });
    const clicks = {
      play: () => player.toggle(), back: () => player.step(-1), next: () => player.step(1), loop: () => player.setLooping(!player.looping),
      "frame-box": () => player.toggle(), "zoom-in": () => timeline.zoom(0.5), "zoom-out": () => timeline.zoom(2), "zoom-fit": () => timeline.showAll(),
      "edit-border": () => editor.select(editor.selected, editor.border === "start" ? "end" : "start"),
      "edit-before": () => this.playBeside(false), "edit-after": () => this.playBeside(true),
      "edit-split": () => this.#did(editor.split(player.time()), "cannot_split"), "edit-join": () => this.#did(editor.join(), "cannot_join"),
      "edit-remove": () => editor.removeWord(), "edit-insert": () => this.#insert(), "edit-undo": () => editor.undo(), "edit-redo": () => editor.redo(),
      "shift-on": () => this.#toggleShift(), "take-result": () => editor.takeResult(),
    };
    for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", action);
    $("word-text").addEventListener("change", (event) => editor.retype(event.target.value));
    $("word-text").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      if (event.key === "Escape") event.target.value = editor.word?.text ?? "";
      else editor.retype(event.target.value);
      $("lanes").focus();
      event.preventDefault();
    });
    this.menu.addEventListener("spans", ({ detail }) => this.#tookSpans(detail));
    editor.addEventListener("saved", () => { if (document.body.dataset.screen === "words") this.cues.show().catch((error) => this.tell(error.message)); });
    $("shot-snapping").addEventListener("change", (event) => { editor.snapsToShots = event.target.checked; });
    $("shot-frames").addEventListener("change", (event) => { editor.shotFrames = Math.max(0, Number(event.target.value) || 0); });
    $("snapping").addEventListener("change", (event) => { editor.snapping = event.target.checked; });
    $("shift-ms").addEventListener("change", () => { if (this.shift?.on) this.shift.set(true, Number($("shift-ms").value) / 1000); });
    this.shift?.addEventListener("change", () => {
      $("shift-on").setAttribute("aria-pressed", String(this.shift.on));
      $("shift-on").textContent = t(this.shift.on ? "hear_file" : "hear_shifted");
    });
    $("export").addEventListener("change", (event) => {
      const { value } = event.target;
      event.target.value = "";
      if (value) location.assign(`${this.model.address}/words/export/${value}`);
    });
    $("view-span").textContent = t("in_view", { span: timeline.spanText() });
    $("hint").textContent = t("timeline_hint");
  }
}
