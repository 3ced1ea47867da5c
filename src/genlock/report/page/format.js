// Numbers and words as people read them.

// Letters of scripts that put no spaces between words, and the marks between them (as genlock.speech.scripts has them).
const NO_SPACE = /[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65\u{20000}-\u{3ffff}]/u;

/** What stands between two words: a space, or nothing beside letters of such a script. */
export function gapText(before, after) {
  return NO_SPACE.test([...before].at(-1) ?? "") || NO_SPACE.test([...after][0] ?? "") ? "" : " ";
}

/** Words as they are written one after the other. */
export function joinedWords(texts) {
  return texts.map((text, k) => (k ? gapText(texts[k - 1], text) : "") + text).join("");
}

/** Seconds as m:ss.mmm, with hours where there are any; `digits` after the point. */
export function clockText(seconds, digits = 3) {
  const unit = 10 ** digits;
  const total = Math.round(Math.abs(seconds) * unit);
  const sign = seconds < 0 && total ? "−" : "";
  const whole = Math.floor(total / unit);
  const rest = digits ? `.${String(total % unit).padStart(digits, "0")}` : "";
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return sign + (h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`) + rest;
}

/** A length of time: 3.000 s, 12 min 4 s, 1 h 2 min. */
export function lengthText(seconds) {
  if (seconds < 100) return `${seconds.toFixed(3)} s`;
  const s = Math.round(seconds);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min ${s % 60} s`;
}

/** Milliseconds with a sign. */
export function signedMs(seconds) {
  const ms = seconds * 1000;
  const text = Math.abs(ms) >= 100 ? Math.abs(ms).toFixed(0) : Math.abs(ms).toFixed(1);
  return `${ms < 0 ? "−" : "+"}${text} ms`;
}

export function bytesText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** A count with its thousands apart. `toLocaleString` would do, but its first call loads the languages: a tenth of a second. */
export function countText(n) {
  return String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** SMPTE timecode of frame k of a file whose first frame has the number `code.frame`. */
export function timecodeText(code, k) {
  let number = code.frame + k;
  const { nominal } = code;
  if (code.drop) {
    const skipped = Math.floor(nominal / 15);
    const perMinute = 60 * nominal - skipped;
    const perTen = 10 * perMinute + skipped;
    const tens = Math.floor(number / perTen);
    const rest = number % perTen;
    number += 9 * skipped * tens + skipped * Math.max(0, Math.floor((rest - skipped) / perMinute));
  }
  const two = (n) => String(n).padStart(2, "0");
  const seconds = Math.floor(number / nominal);
  const frames = String(number % nominal).padStart(nominal > 100 ? 3 : 2, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${code.drop ? ";" : ":"}${frames}`;
}

/** The smallest of 1, 2, 5 x 10^n (or the given steps) that is at least `least`. */
export function niceStep(least, steps = null) {
  if (steps) {
    const found = steps.find((step) => step >= least);
    if (found) return found;
  }
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= least * 0.999999);
}
