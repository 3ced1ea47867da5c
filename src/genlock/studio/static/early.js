// What the address of the page will need is asked for at once, while the other modules are still on their way.

import { getJson } from "./api.js";

const FRESH_MS = 10000; // what nobody has taken by then may have changed
const asked = new Map();

function ask(address) {
  const answer = getJson(address);
  answer.catch(() => {}); // whoever takes it is told
  asked.set(address, { answer, at: performance.now() });
}

/** The JSON at an address: what was asked for when the page began, once, else asked for now. */
export function early(address) {
  const known = asked.get(address);
  asked.delete(address);
  return known && performance.now() - known.at < FRESH_MS ? known.answer : getJson(address);
}

const [, screen, file] = /^#\/(\w+)\/(\w+)/.exec(globalThis.location?.hash ?? "") ?? [];
if (file) ask(`/api/clips/${file}`);
if (file && ["timeline", "words"].includes(screen)) ask(`/api/clips/${file}/words/columns`);
