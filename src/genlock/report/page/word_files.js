// The words as files, as genlock itself writes them: SRT, TextGrid and the JSON of words.json.

import { joinedWords } from "./format.js";

const LINE = 42; // letters of a line of a new cue
const VTT_ONLY = /<\/?(?:c|v|ruby|rt|lang)(?:[.\s][^<>]*)?>|<\d[\d:.]*>/g; // tags that SRT does not know

const two = (n, digits = 2) => String(n).padStart(digits, "0");

function srtClock(seconds) {
  const ms = Math.max(0, Math.round(seconds * 1000));
  return `${two(Math.floor(ms / 3600000))}:${two(Math.floor(ms / 60000) % 60)}:${two(Math.floor(ms / 1000) % 60)},${two(ms % 1000, 3)}`;
}

/** The number of the cue to which an instant belongs: the last that has begun, save where the next is nearer. */
function cueAt(cues, t) {
  let best = 0;
  for (let k = 0; k < cues.length && cues[k].start <= t; k += 1) best = k;
  const gap = t - cues[best].end;
  return gap > 0 && best + 1 < cues.length && cues[best + 1].start - t < gap ? best + 1 : best;
}

/** The words of each cue: those without times go with the word before them. */
function membersOf(words, cues) {
  const members = cues.map(() => []);
  const first = words.find((word) => word.start !== null);
  let at = first ? cueAt(cues, (first.start + first.end) / 2) : 0;
  for (const word of words) {
    if (word.start !== null) at = cueAt(cues, (word.start + word.end) / 2);
    members[at].push(word);
  }
  return members;
}

/** One line, or two of about the same length. */
function linesOf(words) {
  const texts = words.map((word) => word.text);
  const reached = []; // letters up to each word's end; one of a script without spaces counts as two, with the space that it has not
  texts.forEach((text, k) => reached.push((reached[k - 1] ?? -1) + 1 + text.length));
  const all = reached.at(-1);
  if (all <= LINE || texts.length < 2) return joinedWords(texts);
  const places = texts.slice(1).map((_, k) => k + 1);
  const middle = places.sort((a, b) => Math.abs(reached[a - 1] - all / 2) - Math.abs(reached[b - 1] - all / 2))[0];
  return `${joinedWords(texts.slice(0, middle))}\n${joinedWords(texts.slice(middle))}`;
}

/** What stands before and after the words of a line: dashes, tags and the name of who speaks. */
function frameOf(line, speakers) {
  let before = /^(?:<[^>]*>|[-–—]\s+)*/.exec(line)[0];
  const name = speakers.find((each) => line.startsWith(`${each}: `, before.length));
  if (name) before += `${name}: `;
  const after = /(?:<\/[^>]*>)*$/.exec(line.slice(before.length))[0];
  return { before, after, count: line.slice(before.length, line.length - after.length).split(" ").filter(Boolean).length };
}

/** A cue's text with the new words in its old lines; laid anew where their number has changed. */
function textOf(cue, before, now) {
  const speakers = [...new Set(before.map((word) => word.speaker).filter(Boolean))];
  const lines = cue.text.split("\n").map((line) => frameOf(line, speakers));
  if (before.length !== now.length || lines.reduce((sum, { count }) => sum + count, 0) !== now.length) return linesOf(now);
  let at = 0;
  return lines.map((line) => line.before + joinedWords(now.slice(at, (at += line.count)).map((word) => word.text)) + line.after).join("\n");
}

const same = (a, b) => a.length === b.length && a.every((word, k) => word.text === b[k].text && word.start === b[k].start && word.end === b[k].end);

/** The cues of corrected words: what nobody has touched stays to the letter, the rest keeps its lead and its stay. */
function correctedCues(cues, before, now) {
  if (!cues.length) return [];
  const [old, fresh] = [membersOf(before, cues), membersOf(now, cues)];
  const made = cues.map((cue, k) => {
    if (same(old[k], fresh[k])) return { ...cue };
    const [was, is] = [old[k], fresh[k]].map((words) => words.filter((word) => word.start !== null));
    if (!is.length) return null;
    const lead = was.length ? cue.start - was[0].start : 0;
    const stay = was.length ? cue.end - was.at(-1).end : 0;
    return { start: is[0].start + lead, end: is.at(-1).end + stay, text: textOf(cue, old[k], fresh[k]), first: is[0].start };
  }).filter(Boolean);
  // What has moved gives way: to what is said, and to the cue that comes next.
  made.forEach((cue, k) => {
    if (k && cue.start < made[k - 1].end) {
      if (cue.first !== undefined) cue.start = Math.min(made[k - 1].end, cue.first);
      made[k - 1].end = Math.min(made[k - 1].end, cue.start);
    }
  });
  return made;
}

/** SRT. `cues`: { start, end, text } as genlock made them of the words `before`; `now`: the words as they are. */
export function srtText(cues, before, now) {
  return correctedCues(cues, before, now)
    .map(({ start, end, text }, k) => `${k + 1}\n${srtClock(start)} --> ${srtClock(end)}\n${text.replace(VTT_ONLY, "").replace(/\n{2,}/g, "\n")}\n`)
    .join("\n");
}

const micro = (seconds) => Math.round(seconds * 1e6);

function microText(value) {
  return `${value < 0 ? "-" : ""}${Math.floor(Math.abs(value) / 1e6)}.${two(Math.abs(value) % 1e6, 6)}`;
}

/** The lines of one tier of a TextGrid, from `low` to `high` microseconds; what lies between the words is empty. */
function tierLines(name, words, low, high) {
  const intervals = [];
  let reached = low;
  for (const word of words) {
    const [first, stop] = [micro(word.start), micro(word.end)];
    if (first > reached) intervals.push([reached, first, ""]);
    if (stop > first) {
      intervals.push([first, stop, word.text]);
      reached = stop;
    }
  }
  if (high > reached) intervals.push([reached, high, ""]);
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  return [
    '        class = "IntervalTier"', `        name = ${quoted(name)}`, ...spanLines("        ", low, high), `        intervals: size = ${intervals.length}`,
    ...intervals.flatMap(([first, stop, text], k) => [`        intervals [${k + 1}]:`, ...spanLines("            ", first, stop), `            text = ${quoted(text)}`]),
  ];
}

const spanLines = (indent, low, high) => [`${indent}xmin = ${microText(low)}`, `${indent}xmax = ${microText(high)}`];

/** Praat TextGrid, long form, from `low` to `high` seconds: a tier `words`, and one of each speaker who is known. */
export function textGridText(words, low, high) {
  const placed = words.filter((word) => word.start !== null);
  const [first, last] = [micro(low), micro(Math.max(high, ...placed.slice(-1).map((word) => word.end)))];
  const speakers = [...new Set(words.map((word) => word.speaker).filter(Boolean))];
  const tiers = [["words", placed], ...speakers.map((name) => [`${name} - words`, placed.filter((word) => word.speaker === name)])];
  return [
    'File type = "ooTextFile"', 'Object class = "TextGrid"', "", ...spanLines("", first, last), "tiers? <exists>", `size = ${tiers.length}`, "item []:",
    ...tiers.flatMap(([name, row], k) => [`    item [${k + 1}]:`, ...tierLines(name, row, first, last)]),
  ].join("\n") + "\n";
}

/** The JSON of words.json: what stands beside the words is that of the result, a word that was touched is a person's. */
export function jsonText(about, list) {
  const words = list.map(({ text, start, end, confidence, reason, exact, within_50ms = null, speaker = null }) => ({
    text,
    start_seconds: start,
    end_seconds: end,
    status: start === null ? "unaligned" : "aligned",
    confidence,
    reason: start === null ? reason || "no times were given" : null,
    within_50ms,
    speaker,
    start: exact?.[0] ?? null,
    end: exact?.[1] ?? null,
  }));
  return `${JSON.stringify({ ...about, words }, null, 1)}\n`;
}
