// Puts the studio together: which screen is shown, the jobs, the keys, the language.

import { getJson } from "./api.js";
import { FaceScreen } from "./face_screen.js";
import { fillForm } from "./forms.js";
import { Jobs, progressText, showJobs } from "./jobs.js";
import { LibraryScreen } from "./library.js";
import { ShelfScreen } from "./shelf_screen.js";
import { SoundScreen } from "./sound_screen.js";
import { SyncScreen } from "./sync_screen.js";
import { loadTexts, otherLanguage, t } from "./texts.js";
import { TimelineScreen } from "./timeline_screen.js";
import { make } from "../page/panels.js";

const $ = (id) => document.getElementById(id);
const SCREENS = ["library", "timeline", "words", "sync", "face", "sound", "models", "jobs"];
const OF_A_FILE = ["timeline", "words", "sync", "face", "sound"];

await loadTexts();
const jobs = new Jobs();
const timelineScreen = new TimelineScreen(jobs, { ask, tell });
const library = new LibraryScreen(jobs, { ask, tell });
const sync = new SyncScreen(jobs, { hear, tell });
const made = { face: new FaceScreen($("screen-face"), jobs, { tell }), sound: new SoundScreen($("screen-sound"), jobs, { tell }) };
const shelf = new ShelfScreen($("screen-models"), jobs, { tell });
const drawJobs = showJobs(jobs, $("jobs"));
let file = null; // the number of the file that timeline and sync show
let ready = false;

function tell(text) {
  $("banner").hidden = !text;
  $("banner").textContent = text;
}

// ------------------------------------------------------------ screens

async function route() {
  const [screen, number] = location.hash.replace(/^#\//, "").split("/");
  const wanted = SCREENS.includes(screen) ? screen : "library";
  if (number && file && number !== file && timelineScreen.clip) {
    location.reload(); // a page holds one clip
    return;
  }
  if (number) file = number;
  if (OF_A_FILE.includes(wanted) && !file) {
    location.hash = "#/library";
    return;
  }
  ready = false;
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
  tell("");
  timelineScreen.player?.pause();
  for (const screen of Object.values(made)) screen.pause();
  try {
    if (wanted === "library") await library.show();
    else if (wanted === "jobs") drawJobs();
    else if (wanted === "models") await shelf.show();
    else if (made[wanted]) await made[wanted].show(await prepared());
    else {
      await openFile();
      if (wanted === "sync") await sync.show(file);
      else if (wanted === "words") await timelineScreen.cues.show();
      else timelineScreen.timeline.resize();
    }
    ready = true;
  } catch (error) {
    tell(error.message || t("no_answer"));
  }
}

/** The clip of the file, prepared first if nobody has opened it yet. */
async function prepared() {
  let clip = await getJson(`/api/clips/${file}`);
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
  if (timelineScreen.clip?.id !== file) await timelineScreen.open(await prepared());
}

function hear(offset) {
  $("shift-ms").value = Math.round(offset * 1000);
  timelineScreen.shift?.set(true, offset);
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
  if (!$("screen-timeline").hidden) return timelineScreen.timeline ? timelineScreen.keys() : null;
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
  if (detail.file !== file || detail.state !== "done" || !timelineScreen.editor) return;
  // Words that nobody has corrected follow the newest result; others are asked about.
  if (["align", "words"].includes(detail.kind)) await timelineScreen.editor.load();
  if (["align", "lanes"].includes(detail.kind)) await timelineScreen.lanesChanged();
});
fillHelp();
listenKeys();
addEventListener("hashchange", route);

// ------------------------------------------------------------ for tests and for the curious

window.studio = {
  /** True once the screen shows what it is to show. */
  get ready() {
    return ready && (location.hash.startsWith("#/timeline") ? !timelineScreen.clip.preview || $("video").readyState >= 2 : true);
  },
  screen: timelineScreen,
  made,
  jobs,
  /** Number of the frame whose own picture is on the screen, or null. */
  still: () => timelineScreen.stills?.shown ?? null,
  frame: () => timelineScreen.player.frame(),
  time: () => timelineScreen.player.time(),
  playing: () => timelineScreen.player.playing,
  seeking: () => timelineScreen.player.target !== null || timelineScreen.player.pending !== null,
  saved: () => !timelineScreen.editor.saving && !timelineScreen.editor.waiting.length,
};
await route();
