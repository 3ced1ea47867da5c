// Puts the studio together: which screen is shown, the jobs, the keys, the language.

import { getJson } from "./api.js";
import { early } from "./early.js";
import { fillForm } from "./forms.js";
import { Jobs, progressText, showJobs } from "./jobs.js";
import { loadTexts, otherLanguage, t } from "./texts.js";
import { make } from "../page/panels.js";

const $ = (id) => document.getElementById(id);
const SCREENS = ["library", "timeline", "words", "sync", "face", "sound", "models", "jobs"];
const OF_A_FILE = ["timeline", "words", "sync", "face", "sound"];

const texts = loadTexts();
const jobs = new Jobs();
const screens = {}; // those that were shown, by the name of their module
const made = {}; // the screens Face and Sound, once they were shown
let file = null; // the number of the file that the screens show
let timeline = null; // its screen, once it was asked for
let ready = false;

/** A module, once it and the texts are here. */
const loaded = async (module) => (await Promise.all([module, texts]))[0];

/** Screens are fetched when they are first shown: nobody waits for what is not looked at. */
const MODULES = {
  library: async () => new (await loaded(import("./library.js"))).LibraryScreen(jobs, { ask, tell }),
  timeline: async () => new (await loaded(import("./timeline_screen.js"))).TimelineScreen(jobs, { ask, tell }),
  sync: async () => new (await loaded(import("./sync_screen.js"))).SyncScreen(jobs, { hear, tell }),
  face: async () => (made.face = new (await loaded(import("./face_screen.js"))).FaceScreen($("screen-face"), jobs, { tell })),
  sound: async () => (made.sound = new (await loaded(import("./sound_screen.js"))).SoundScreen($("screen-sound"), jobs, { tell })),
  models: async () => new (await loaded(import("./shelf_screen.js"))).ShelfScreen($("screen-models"), jobs, { tell }),
  jobs: async () => showJobs(jobs, $("jobs")),
};

function screenOf(name) {
  screens[name] ??= MODULES[name]();
  return screens[name];
}

function tell(text) {
  $("banner").hidden = !text;
  $("banner").textContent = text;
}

// ------------------------------------------------------------ screens

async function route() {
  const [screen, number] = location.hash.replace(/^#\//, "").split("/");
  const wanted = SCREENS.includes(screen) ? screen : "library";
  if (number && file && number !== file && timeline?.clip) {
    location.reload(); // a page holds one clip
    return;
  }
  if (number) file = number;
  if (OF_A_FILE.includes(wanted) && !file) {
    location.hash = "#/library";
    return;
  }
  ready = false;
  const coming = screenOf(wanted === "words" ? "timeline" : wanted);
  if (wanted === "sync") screenOf("timeline"); // it is needed there, too
  await texts;
  markScreen(wanted);
  tell("");
  timeline?.player?.pause();
  for (const each of Object.values(made)) each.pause();
  try {
    await show(wanted, await coming);
    ready = true;
  } catch (error) {
    tell(error.message || t("no_answer"));
  }
}

function markScreen(wanted) {
  for (const name of SCREENS) {
    if (name !== "words") $(`screen-${name}`).hidden = name !== (wanted === "words" ? "timeline" : wanted); // both show the film
    const tab = $(`tab-${name}`);
    if (name === wanted) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  for (const name of OF_A_FILE) {
    $(`tab-${name}`).hidden = !file;
    $(`tab-${name}`).href = `#/${name}/${file ?? ""}`;
  }
  document.body.dataset.screen = wanted;
}

async function show(wanted, screen) {
  if (wanted === "jobs") return screen();
  if (made[wanted]) return screen.show(await prepared());
  if (wanted === "sync") {
    window.studio.sync = screen;
    await openFile();
    return screen.show(file);
  }
  if (!OF_A_FILE.includes(wanted)) return screen.show();
  timeline = screen;
  await openFile();
  if (wanted === "words") return screen.cues.show();
  return screen.timeline.resize();
}

/** The clip of the file, prepared first if nobody has opened it yet. */
async function prepared() {
  let clip = await early(`/api/clips/${file}`);
  if (!clip.opened) {
    const [id] = await jobs.ask("open", [file]);
    const show = () => { const job = jobs.known.get(id); if (job) tell(t("opening", { progress: progressText(job) })); };
    jobs.addEventListener("change", show);
    const job = await jobs.wait(id);
    jobs.removeEventListener("change", show);
    tell("");
    if (job.state !== "done") throw new Error(job.message);
    clip = await getJson(`/api/clips/${file}`);
  }
  $("title").textContent = clip.name;
  document.title = `${clip.name} · genlock studio`;
  return clip;
}

/** The clip of the file on the timeline. */
async function openFile() {
  timeline = await screenOf("timeline");
  if (timeline.clip?.id !== file) await timeline.open(await prepared());
}

function hear(offset) {
  $("shift-ms").value = Math.round(offset * 1000);
  timeline.shift?.set(true, offset);
  location.hash = `#/timeline/${file}`;
}

// ------------------------------------------------------------ asking for jobs

/** Show the form of a kind of job, and ask for it when the person says so. */
async function ask(kind, files) {
  $("ask-title").textContent = t("ask_title", { job: t(`job_${kind}`), count: files.length });
  const options = await fillForm($("ask-form"), kind);
  $("ask-go").onclick = async () => {
    try {
      await jobs.ask(kind, files, options());
      $("ask").close();
      tell("");
    } catch (error) {
      $("ask").close();
      tell(error.message || t("no_answer"));
    }
  };
  $("ask").showModal();
}

// ------------------------------------------------------------ keys

const HELP = ["space", "arrows", "jkl", "words", "enter", "border", "nudge", "beside", "split", "join", "type", "new", "delete", "undo", "snap", "snap_shots", "loop", "shift", "range", "zoom", "ends", "drag", "takes", "events", "move_event"];

function fillHelp() {
  $("help-keys").replaceChildren(...HELP.map((name) => {
    const keys = t(`key_${name}`).split(" ").flatMap((key) => [make("kbd", {}, key), " "]);
    return make("div", {}, make("dt", {}, ...keys), make("dd", {}, t(`does_${name}`)));
  }));
}

/** What the keys do on the screen that is shown; null where they do nothing of ours. */
function keysNow() {
  if (!$("screen-timeline").hidden) return timeline?.timeline ? timeline.keys() : null;
  const shown = Object.entries(made).find(([name, screen]) => !$(`screen-${name}`).hidden && screen.takes);
  return shown ? shown[1].keys() : null;
}

function listenKeys() {
  addEventListener("keydown", (event) => {
    if (event.key === "?" && !event.target.matches("input, textarea")) { $("help").showModal(); return; }
    const keys = keysNow();
    if (!keys || $("help").open || $("ask").open) return;
    const { target } = event;
    if (target.matches("input:not([type='checkbox']), textarea, select")) return;
    if (event.key === "Enter" && target.matches("button:not(.w), a, summary")) return;
    if (event.key === " " && target.matches("a, summary, input, button:not(.w, .play)")) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const control = event.ctrlKey || event.metaKey;
    const shifted = event.shiftKey && (name.startsWith("Arrow") || control);
    const key = `${control ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shifted ? "shift " : ""}${name}`;
    const action = keys[key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

jobs.addEventListener("change", () => {
  const { length } = jobs.active;
  $("jobs-count").hidden = !length;
  $("jobs-count").textContent = length;
});
$("help-button").addEventListener("click", () => $("help").showModal());
$("language").addEventListener("click", otherLanguage);
$("theme-button").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.chosen = root.dataset.theme === "light" ? "dark" : "light";
  dispatchEvent(new Event("themechoice"));
});
$("ask-cancel").addEventListener("click", () => $("ask").close());
$("find-words").addEventListener("click", () => ask("align", [file]));
jobs.addEventListener("ended", async ({ detail }) => {
  if (detail.file !== file || detail.state !== "done" || !timeline?.editor) return;
  // Words that nobody has corrected follow the newest result; others are asked about.
  if (["align", "words"].includes(detail.kind)) await timeline.editor.load();
  if (["align", "lanes"].includes(detail.kind)) await timeline.lanesChanged();
});
listenKeys();
addEventListener("hashchange", route);

// ------------------------------------------------------------ for tests and for the curious

window.studio = {
  /** True once the screen shows what it is to show. */
  get ready() {
    return ready && (location.hash.startsWith("#/timeline") ? timeline.opened && (!timeline.clip.preview || $("video").readyState >= 2) : true);
  },
  /** Words and rows are on the screen; the film may still be on its way. */
  get painted() {
    return Boolean(timeline?.painted);
  },
  get screen() {
    return timeline;
  },
  made,
  /** The screen Sync, once it was shown. */
  sync: null,
  jobs,
  /** Number of the frame whose own picture is on the screen, or null. */
  still: () => timeline?.stills?.shown ?? null,
  frame: () => timeline.player.frame(),
  time: () => timeline.player.time(),
  playing: () => timeline.player.playing,
  seeking: () => timeline.player.target !== null || timeline.player.pending !== null,
  saved: () => !timeline.editor.saving && !timeline.editor.waiting.length,
};
await route();
fillHelp();
