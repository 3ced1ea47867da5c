// The timeline: picture, sound and words of one clip in exact step, and their correction.

import { Filmstrip } from "../page/filmstrip.js";
import { Frames, firstWhere } from "../page/data.js";
import { clockText, countText, signedMs, timecodeText } from "../page/format.js";
import { colour } from "../page/colour.js";
import { make } from "../page/panels.js";
import { Player } from "../page/player.js";
import { Timeline, wordText } from "../page/timeline.js";
import { phraseAt, phraseNodes } from "../page/words.js";
import { getJson } from "./api.js";
import { BrowserFrames } from "./browser_frames.js";
import { CueList } from "./cue_list.js";
import { Editor } from "./editor.js";
import { Exact, ExactFrames } from "./exact.js";
import { LaneMenu } from "./lane_menu.js";
import { ShiftedSound } from "./shift.js";
import { Stills } from "./stills.js";
import { t } from "./texts.js";
import { TiledRows } from "./tiles.js";

const $ = (id) => document.getElementById(id);
const NEAR = 6; // pixels around a border in which it is taken hold of
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

export class TimelineScreen {
  constructor(jobs, { ask, tell }) {
    Object.assign(this, { jobs, ask, tell });
    this.clip = null;
  }

  /** Build it for one clip; a page holds one clip, another one is another page. */
  async open(clip) {
    this.clip = clip;
    const model = (this.model = modelOf(clip));
    const { preview } = clip;
    const video = $("video");
    const frames = model.frames;
    this.player = new Player(preview ? video : null, {
      zero: preview ? Exact.of(preview.zero).number : Exact.of(clip.start).number,
      start: Exact.of(clip.start).number,
      end: Exact.of(clip.end).number,
      frames,
    });
    const source = `${model.address}/preview?v=${clip.version}`;
    const strip = preview?.has_picture && frames ? new Filmstrip(source, { zero: this.player.zero, frames, player: this.player }) : null;
    const browser = frames ? new BrowserFrames(`${model.address}/source?v=${clip.version}`, frames, () => this.stills.side) : null;
    this.stills = frames ? new Stills($("still"), this.player, model.address, clip.version, browser) : null;
    this.shift = preview && clip.sound ? new ShiftedSound(this.player, clip.sound, model.address, clip.version, clip.piece_seconds) : null;
    this.editor = model.editor;
    this.timeline = new Timeline(model, this.player, strip, { tools: this.#tools() });
    for (const rows of [model.waveform, model.spectrogram]) rows?.addEventListener("change", () => { this.timeline.overviewBase = null; this.timeline.redraw(); });
    this.menu = new LaneMenu($("lane-menu"), this.timeline, model.address, { find: () => this.ask("lanes", [clip.id]), tell: this.tell });
    this.cues = new CueList($("cues"), model.address, this.editor, this.jobs, { file: clip.id, play: (a, b) => this.player.playRange(a, b), tell: this.tell });
    this.#dress();
    this.#listen();
    await this.editor.load();
    this.menu.offer(clip.lanes).catch((error) => this.tell(error.message)); // they come when they come
    this.editor.select(this.editor.list.findIndex((word) => word.from !== null));
    if (preview) video.src = source;
    this.player.seek(frames ? frames.center(0) : this.player.start);
    this.#update();
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

  // ------------------------------------------------------------ borders under the pointer

  #borderAt(place) {
    if (place.lane.key !== "words") return null;
    const { view } = this.timeline;
    const { placed } = this.model.words;
    const reach = NEAR / view.scale;
    let best = null;
    for (let i = Math.max(0, this.model.words.before(place.t + reach) - 1); i < placed.length && placed[i].start < place.t + reach; i += 1) {
      for (const border of ["end", "start"]) {
        const away = Math.abs(placed[i][border] - place.t);
        // Of two that touch, the one on whose side the pointer is.
        const inside = border === "start" ? place.t >= placed[i].start : place.t < placed[i].end;
        if (away <= reach && (!best || away < best.away - 1e-9 || (away < best.away + 1e-9 && inside))) best = { number: placed[i].number, border, away };
      }
      if ((placed[i].end - placed[i].start) * view.scale < 2 * NEAR && best?.number === placed[i].number) break;
    }
    return best;
  }

  #tools() {
    return {
      grab: (place) => {
        const found = this.#borderAt(place);
        if (!found) return null;
        const { editor } = this;
        editor.select(found.number, found.border);
        let shown = null;
        const restore = () => { if (shown) editor.preview(shown.at, shown.words.length, shown.before); shown = null; };
        return {
          move: (now, event) => {
            restore();
            const change = editor.moved(found.number, found.border, now.t, { alone: event.altKey });
            if (!change) return;
            shown = { ...change, before: editor.list.slice(change.at, change.at + change.count) };
            editor.preview(change.at, change.count, change.words);
            this.player.pause();
            this.player.seek(Exact.of(change.words.at(found.number - change.at)[found.border]).number);
          },
          drop: (moved) => {
            const change = shown;
            restore();
            if (moved && change) editor.splice(change.at, change.count, change.words);
          },
        };
      },
      cursor: (place) => (this.#borderAt(place) ? "col-resize" : null),
      draw: (ctx, view, lanes) => this.#drawChosen(ctx, view, lanes),
    };
  }

  #drawShots(ctx, view) {
    const { shots } = this.editor;
    ctx.fillStyle = colour("accent", 0.45);
    for (let k = firstWhere(shots.length, (n) => shots[n].number >= view.a); k < shots.length && shots[k].number <= view.b; k += 1) {
      ctx.fillRect(Math.round(view.x(shots[k].number)), 0, 1, this.timeline.height);
    }
  }

  #drawChosen(ctx, view, lanes) {
    this.#drawShots(ctx, view);
    const { word, border } = this.editor;
    const lane = lanes.find((each) => each.key === "words");
    if (!word || word.from === null || !lane) return;
    const [left, right] = [view.x(word.from), view.x(word.to)];
    ctx.strokeStyle = colour("accent");
    ctx.lineWidth = 2;
    ctx.strokeRect(left + 1, lane.y + 3, Math.max(2, right - left - 2), lane.height - 6);
    const x = border === "start" ? left : right;
    ctx.fillStyle = colour("accent");
    ctx.fillRect(x - 1, lane.y, 2, this.timeline.height - lane.y);
    ctx.beginPath();
    ctx.arc(x, lane.y + lane.height / 2, 5, 0, 2 * Math.PI);
    ctx.fill();
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
      this.#markNow(now < 0 ? -1 : model.words.placed[now].number);
    }
    if (player.playing) this.timeline.follow(time);
    this.timeline.drawOverlay();
  }

  #markNow(number) {
    this.now?.classList.remove("now");
    this.now = number < 0 ? null : this.buttons?.[number];
    this.now?.classList.add("now");
    if (this.player.playing) this.now?.scrollIntoView({ block: "nearest" });
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
    this.buttons = list.map((word, number) => {
      const button = make("button", { type: "button", class: word.from === null ? "w lost" : "w", tabindex: -1, title: word.from === null ? word.reason : null }, word.text);
      button.dataset.number = number;
      return button;
    });
    const paragraphs = [];
    let run = null;
    let last = null;
    list.forEach((word, number) => {
      if (!run || (word.from !== null && last !== null && word.from - last > 1.2) || run.childElementCount > 90) {
        run = make("span", { class: "run" });
        paragraphs.push(make("p", {}, make("time", {}, word.from === null ? "" : clockText(word.from, 1)), run));
      }
      run.append(this.buttons[number], " ");
      if (word.to !== null) last = word.to;
    });
    const flow = $("flow");
    const focused = flow.contains(document.activeElement);
    flow.replaceChildren(...paragraphs);
    flow.classList.toggle("long", list.length > 800);
    $("words-count").textContent = list.length;
    $("no-words").hidden = list.length > 0;
    $("newer-result").hidden = !told?.newer_result;
    this.#showChosen(focused);
  }

  #showChosen(focus = false) {
    const { editor } = this;
    this.chosen?.classList.remove("chosen");
    if (this.chosen) this.chosen.tabIndex = -1;
    const { word, selected, border } = editor;
    this.chosen = this.buttons?.[selected];
    const entry = this.chosen ?? this.buttons?.[0];
    if (entry) entry.tabIndex = 0;
    this.chosen?.classList.add("chosen");
    if (focus) this.chosen?.focus();
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
    $("flow").addEventListener("click", (event) => {
      const number = event.target.dataset?.number;
      if (number !== undefined) this.playWord(Number(number));
    });
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
