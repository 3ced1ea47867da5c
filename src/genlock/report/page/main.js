// Puts the page together.

import { readContent, bytesOf } from "./data.js";
import { clockText, countText, timecodeText } from "./format.js";
import { Player } from "./player.js";
import { Filmstrip } from "./filmstrip.js";
import { Timeline } from "./timeline.js";
import { Transcript, phraseAt, phraseNodes } from "./words.js";
import { fillPanels } from "./panels.js";
import { TwinSound } from "./twin_sound.js";
import { SyncBar } from "./sync_bar.js";
import { Faces } from "./faces.js";
import { Correcting } from "./correcting.js";

const $ = (id) => document.getElementById(id);
const RATES = [0.25, 0.5, 0.75, 1];

const model = readContent();
const source = previewSource(model.preview);
const player = new Player(source ? $("video") : null, {
  zero: model.preview?.zero_seconds ?? model.start,
  start: model.start,
  end: model.end,
  frames: model.frames,
});
const hasPicture = Boolean(source && model.preview.has_picture && model.frames);
const strip = hasPicture ? new Filmstrip(source, { zero: player.zero, frames: model.frames, player }) : null;
strip?.open();
const timeline = new Timeline(model, player, strip);
const correcting = new Correcting(model, player, timeline);
const transcript = new Transcript(model.words, model.frames, heard);
const hasBoth = Boolean(hasPicture && model.preview.has_sound && model.sync);
const twin = hasBoth ? new TwinSound($("video"), source, { zero: player.zero, offsetAt: (t) => syncBar.offsetAt(t) }) : null;
const syncBar = new SyncBar(model.sync, twin);
const faces = new Faces(hasPicture ? model.faces : null, $("video"), $("faces-button"));
let phraseShown = ""; // what the caption was last made of

function previewSource(preview) {
  if (!preview) return null;
  if (preview.href) return preview.href;
  return URL.createObjectURL(new Blob([bytesOf("preview")], { type: preview.mime }));
}

function dressUp() {
  document.body.classList.toggle("silent-picture", !(source && model.preview.has_picture));
  document.body.classList.toggle("no-words", model.words.all.length === 0);
  $("lyrics").hidden = Boolean(source && model.preview.has_picture);
  $("frame-cell").hidden = !model.frames;
  $("timecode-cell").hidden = !(model.timecode && model.frames);
  if (model.frames) {
    $("frame-count").textContent = `of ${countText(model.frames.count)}`;
    $("frame-number").style.minWidth = `${String(model.frames.count).length}ch`;
  }
  $("banner").hidden = !model.banner;
  $("banner").textContent = model.banner ?? "";
  for (const id of ["play", "loop", "mute"]) $(id).disabled = !source;
  $("mute").disabled = !(source && model.preview.has_sound);
  for (const button of $("speeds").children) button.disabled = !source;
}

// ------------------------------------------------------------ what follows the clock

function update() {
  const t = player.time();
  const k = player.frame();
  $("clock").textContent = clockText(t, 3);
  if (model.frames) $("frame-number").textContent = k === null ? "–" : String(k);
  faces.show(k);
  if (model.timecode && k !== null) $("timecode").textContent = timecodeText(model.timecode, k);
  const current = transcript.update(t, { scroll: player.playing });
  $("word-now").textContent = current < 0 ? "–" : model.words.placed[current].text;
  showPhrase(t, current);
  if (player.playing) timeline.follow(t);
  timeline.drawOverlay();
}

function showPhrase(t, current) {
  const key = `${current}/${phraseAt(model.words, t)?.start}`;
  if (key === phraseShown) return;
  phraseShown = key;
  $("caption").replaceChildren(...phraseNodes(model.words, t, current));
  if ($("lyrics").hidden) return;
  const now = document.createElement("p");
  now.className = "now";
  now.dir = "auto";
  now.append(...phraseNodes(model.words, t, current));
  $("lyrics").replaceChildren(now);
}

function listenPlayer() {
  player.addEventListener("time", update);
  player.addEventListener("state", () => {
    $("play-icon").setAttribute("href", player.playing ? "#i-pause" : "#i-play");
    $("play-label").textContent = player.playing ? "Pause" : "Play";
    $("loop").setAttribute("aria-pressed", String(player.looping));
    if (source) {
      $("mute").setAttribute("aria-pressed", String(isMuted()));
      $("mute-icon").setAttribute("href", isMuted() ? "#i-mute" : "#i-sound");
      for (const button of $("speeds").children) {
        button.setAttribute("aria-pressed", String(Number(button.dataset.rate) === $("video").playbackRate));
      }
    }
    update();
  });
  twin?.addEventListener("change", () => player.dispatchEvent(new Event("state")));
  timeline.addEventListener("word", (event) => heard(event.detail, model.words.placed[event.detail].number));
  timeline.addEventListener("view", () => { $("view-span").textContent = `${timeline.spanText()} in view`; });
  timeline.addEventListener("tell", (event) => tell(event.detail));
  $("view-span").textContent = `${timeline.spanText()} in view`;
  tell([]);
}

/** The line under the timeline; without a pointer there, how it is used. */
function tell(parts) {
  const nodes = [];
  const shown = parts.length ? parts : [["", "Click to go there, click a word to hear it. Wheel or pinch zooms, drag moves, shift-drag selects."]];
  shown.forEach(([tag, text], i) => {
    const node = document.createElement(tag || "span");
    node.textContent = text;
    if (i) {
      const dot = document.createElement("span");
      dot.className = "sep";
      dot.textContent = "·";
      nodes.push(dot);
    }
    nodes.push(node);
  });
  $("hint").replaceChildren(...nodes);
}

// ------------------------------------------------------------ what people do

function playWord(i) {
  const word = model.words.placed[i];
  if (!word) return;
  player.playRange(word.start, word.end);
  timeline.follow(word.start);
}

/** A word of the text was clicked: `i` among those that have times, if it has any; `number` among all. */
function heard(i, number) {
  correcting.choose(number);
  if (i !== undefined) playWord(i);
}

/** The word before or after the one at the playhead. */
function otherWord(step) {
  const { words } = model;
  const t = player.range?.once ? player.range.start : player.time();
  const here = words.before(t + 1e-4);
  playWord(Math.min(Math.max(here + step, 0), words.placed.length - 1));
}

function changeRate(step) {
  const now = RATES.indexOf($("video").playbackRate);
  player.setRate(RATES[Math.min(Math.max((now < 0 ? 3 : now) + step, 0), RATES.length - 1)]);
}

function select(edge) {
  const t = player.time();
  const old = player.range && !player.range.once ? player.range : { start: player.start, end: player.end };
  const range = { ...old, [edge]: t, once: false };
  if (range.end > range.start) player.setRange(range);
  else player.setRange(edge === "start" ? { start: t, end: player.end, once: false } : { start: player.start, end: t, once: false });
}

const isMuted = () => (twin ? twin.muted : $("video").muted);

function toggleMute() {
  if (twin) twin.mute(!twin.muted);
  else if (source) $("video").muted = !$("video").muted;
}

function toggleTheme() {
  const root = document.documentElement;
  root.dataset.chosen = root.dataset.theme === "light" ? "dark" : "light";
  dispatchEvent(new Event("themechoice"));
}

function listenButtons() {
  $("play").addEventListener("click", () => player.toggle());
  $("back").addEventListener("click", () => player.step(-1));
  $("next").addEventListener("click", () => player.step(1));
  $("loop").addEventListener("click", () => player.setLooping(!player.looping));
  $("mute").addEventListener("click", toggleMute);
  $("speeds").addEventListener("click", (event) => {
    if (event.target.dataset.rate) player.setRate(Number(event.target.dataset.rate));
  });
  $("zoom-in").addEventListener("click", () => timeline.zoom(0.5));
  $("zoom-out").addEventListener("click", () => timeline.zoom(2));
  $("zoom-fit").addEventListener("click", () => timeline.showAll());
  $("theme-button").addEventListener("click", toggleTheme);
  $("help-button").addEventListener("click", () => $("help").showModal());
  $("frame-box").addEventListener("click", () => player.toggle());
}

const KEYS = {
  " ": () => player.toggle(),
  k: () => player.toggle(),
  ArrowLeft: () => player.step(-1),
  ArrowRight: () => player.step(1),
  "shift ArrowLeft": () => otherWord(-1),
  "shift ArrowRight": () => otherWord(1),
  Enter: () => playWord(Math.max(0, model.words.before(player.time() + 1e-4))),
  Home: () => player.seek(model.frames?.start > player.start ? model.frames.start : player.start),
  End: () => (model.frames ? player.seekFrame(model.frames.count - 1) : player.seek(player.end)),
  i: () => select("start"),
  o: () => select("end"),
  Escape: () => player.setRange(null),
  l: () => player.setLooping(!player.looping),
  "[": () => changeRate(-1),
  "]": () => changeRate(1),
  "+": () => timeline.zoom(0.5),
  "=": () => timeline.zoom(0.5),
  "-": () => timeline.zoom(2),
  0: () => timeline.showAll(),
  m: toggleMute,
  a: () => syncBar.toggle(),
  ",": () => syncBar.move(-1),
  ".": () => syncBar.move(1),
  c: () => document.body.classList.toggle("no-captions"),
  f: () => faces.turn(),
  e: () => correcting.type(),
  b: () => correcting.otherBorder(),
  s: () => correcting.split(),
  g: () => correcting.join(),
  Delete: () => correcting.remove(),
  "alt ArrowLeft": () => correcting.nudge(-1),
  "alt ArrowRight": () => correcting.nudge(1),
  "ctrl z": () => correcting.undo(),
  "ctrl y": () => correcting.redo(),
  "ctrl shift z": () => correcting.redo(),
  "?": () => $("help").showModal(),
};

function listenCorrecting() {
  correcting.addEventListener("words", () => { transcript.lay(model.words); phraseShown = ""; update(); });
  correcting.addEventListener("chosen", () => transcript.choose(correcting.on ? correcting.editor.selected : -1));
  correcting.addEventListener("mode", () => transcript.choose(correcting.on ? correcting.editor.selected : -1));
  $("flow").addEventListener("dblclick", (event) => {
    const number = event.target.dataset?.number;
    if (number !== undefined) correcting.type(Number(number));
  });
}

/** What a key is called in the table of keys. */
function keyName(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && (key.length > 1 || event.ctrlKey || event.metaKey);
  return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift ? "shift " : ""}${key}`;
}

function listenKeys() {
  addEventListener("keydown", (event) => {
    if ($("help").open) return;
    const { target } = event;
    if (target.matches("input, textarea, select")) return;
    // Enter keeps its meaning on what has the focus; space always plays, save on a switch.
    if (event.key === "Enter" && target.matches("button, a, summary")) return;
    if (event.key === " " && target.matches("a, summary, button:not(.w, .play)")) return;
    const action = KEYS[keyName(event)];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

// ------------------------------------------------------------ for tests and for the curious

window.genlock = {
  /** True once the preview can show its first frame (at once where there is none). */
  get ready() {
    return !source || $("video").readyState >= 2;
  },
  /** Instant on the media clock, seconds. */
  time: () => player.time(),
  /** Number of the frame at that instant, or null. */
  frame: () => player.frame(),
  /** True while playing. */
  playing: () => player.playing,
  /** True while a seek is on its way. */
  seeking: () => player.target !== null || player.pending !== null,
  /** Play word i of those that have times. */
  playWord,
  play: () => player.play(),
  pause: () => player.pause(),
  seek: (t) => player.seek(t),
  seekFrame: (k) => player.seekFrame(k),
  /** Offset that is taken out of what is heard, seconds, and how far the second player is from where it should be. */
  hearing: () => ({ shifted: twin?.on ?? false, offset: model.sync ? syncBar.offsetAt(player.time()) : null, ahead: twin?.ahead ?? null }),
  /** True once every small picture of the frames in view is there. */
  resting: () => !strip || (strip.ready && !strip.busy && !strip.wanted.length),
  /** What would be saved as "srt", "TextGrid" or "json". */
  saved: (form) => correcting.text(form),
  /** The element that plays the shifted sound, once somebody has asked for it. */
  secondPlayer: () => twin?.sound ?? null,
  /** The lanes of the timeline: what each is, where it begins and how high it is, in pixels. */
  lanes: () => timeline.lanes.map(({ key, y, height }) => ({ key, y, height })),
  view: () => ({ start: timeline.view.a, end: timeline.view.b }),
  show: (a, b) => timeline.show(a, b),
};

fillPanels(model);
dressUp();
listenPlayer();
listenButtons();
listenKeys();
listenCorrecting();
update();
if (source) $("video").src = source;
