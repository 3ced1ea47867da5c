// Corrections of words against a server that checks what every server checks: order, revisions. Run by test_editor.py.

import assert from "node:assert";
import { Editor } from "./static/editor.js";
import { Exact, ExactFrames, nearestSample } from "./page/exact.js";
import { Frames } from "./page/data.js";
const told = { kind: "grid", rate: "30000/1001", start: "1/4", count: 200 };
const exactFrames = new ExactFrames(told);
const frames = new Frames(exactFrames.data);
assert.equal(String(exactFrames.edge(7)), String(Exact.of("1/4").plus(Exact.of("7007/30000"))));
assert.equal(String(Exact.of("-0.50")), "-1/2");
assert.ok(Math.abs(Exact.of("123456789123456789/1000000007").number - 123456788.259260) < 1e-3);
const vfr = new ExactFrames({ kind: "ticks", pts: [0, 40, 73], time_base: "1/1000", last_duration: 40, count: 3 });
assert.equal(String(vfr.edge(3)), "113/1000");
assert.deepEqual([...vfr.data.edges], [0, 0.04, 0.073, 0.113]);
let doc, calls = [];
const E = (k) => String(exactFrames.edge(k));
function server() {
  const words = [
    { text: "one", start: E(6), end: E(12), confidence: 0.9, reason: null },
    { text: "lost", start: null, end: null, confidence: null, reason: "x" },
    { text: "two", start: E(12), end: E(20), confidence: 0.8, reason: null },
    { text: "three", start: E(30), end: E(40), confidence: null, reason: null },
  ];
  doc = { words, revision: 0, newer_result: false };
  globalThis.fetch = async (address, options = {}) => {
    if (options.method === "POST") {
      const b = JSON.parse(options.body);
      assert.equal(b.revision, doc.revision);
      doc.words.splice(b.at, b.count, ...b.words);
      doc.revision += 1; calls.push(b);
      let last = null;
      for (const w of doc.words) { if (w.start === null) continue; if (last) assert.ok(Exact.of(w.start).compare(last) >= 0, "order"); last = Exact.of(w.end); assert.ok(last.compare(Exact.of(w.start)) >= 0); }
      return { ok: true, json: async () => ({ revision: doc.revision }) };
    }
    const column = (name) => doc.words.map((word) => word[name]);
    const told = { text: column("text"), start: column("start"), end: column("end"), confidence: column("confidence"), reasons: { 1: "x" } };
    return { ok: true, json: async () => ({ ...told, revision: doc.revision, newer_result: doc.newer_result }) };
  };
}
server();
const ed = new Editor("/api/clips/x", { exactFrames, frames, sound: { rate: 48000, origin: "0" } });
await ed.load();
const settle = async () => { while (ed.saving || ed.waiting.length) await new Promise((r) => setTimeout(r, 1)); };
const first = structuredClone(doc.words);
ed.select(0);
// shared border moves along, over the lost word between
ed.border = "end"; assert.ok(ed.nudge(1)); await settle();
assert.equal(doc.words[0].end, E(13)); assert.equal(doc.words[2].start, E(13)); assert.equal(doc.words[1].text, "lost");
// alone: a gap opens
assert.ok(ed.nudge(-1, { alone: true })); await settle();
assert.equal(doc.words[0].end, E(12)); assert.equal(doc.words[2].start, E(13));
assert.ok(ed.nudge(5)); await settle();
// wall: cannot pass the neighbour
ed.moveBorder(0, "end", 100, { alone: true }); await settle();
assert.ok(Exact.of(doc.words[0].end).compare(Exact.of(doc.words[2].start)) <= 0);
while (ed.undo()); await settle();
assert.deepEqual(doc.words, first);
while (ed.redo()); await settle();
while (ed.undo()); await settle();
assert.deepEqual(doc.words, first);
// own end is a wall: at least one frame stays
ed.select(3); ed.moveBorder(3, "start", 99); await settle();
assert.equal(doc.words[3].start, E(39)); ed.undo(); await settle();
// free: to the sample
ed.snapping = false; ed.moveBorder(3, "end", frames.edge(40) + 0.0123456); await settle();
assert.ok((48000n % Exact.of(doc.words[3].end).d) === 0n);
ed.undo(); ed.snapping = true; await settle();
// split, join
ed.select(2); assert.ok(ed.split(frames.center(15))); await settle();
assert.deepEqual(doc.words.slice(2, 4).map((w) => w.text), ["t", "wo"]); assert.equal(doc.words[2].end, doc.words[3].start);
assert.ok(ed.join()); await settle(); assert.equal(doc.words[2].text, "t wo"); assert.equal(doc.words[2].end, E(20));
assert.ok(ed.retype("2")); await settle();
assert.ok(ed.insert(frames.edge(22), frames.edge(25), "new")); await settle();
assert.equal(doc.words[3].text, "new"); assert.equal(ed.insert(frames.edge(23), frames.edge(24), "no"), false);
assert.ok(ed.removeWord()); await settle();
while (ed.undo()); await settle();
assert.deepEqual(doc.words, first);
// random drags never break the order
const rand = (() => { let s = 7; return () => (s = (s * 16807) % 2147483647) / 2147483647; })();
for (let n = 0; n < 600; n += 1) {
  const k = [0, 2, 3][Math.floor(rand() * 3)];
  ed.snapping = rand() < 0.7;
  ed.moveBorder(k, rand() < 0.5 ? "start" : "end", rand() * 7, { alone: rand() < 0.5 }); await settle();
}
while (ed.undo()); await settle();
assert.deepEqual(doc.words, first);
console.log(`${calls.length} splices, all taken back`);
// changes of the shot draw borders that come near, over the frame's own edge; nudging goes on past them
{
  server();
  const near = new Editor("/api/clips/x", { exactFrames, frames, sound: null });
  await near.load();
  const quiet = async () => { while (near.saving || near.waiting.length) await new Promise((r) => setTimeout(r, 1)); };
  near.shots = [exactFrames.edge(33), exactFrames.edge(60)];
  near.shotFrames = 4;
  near.moveBorder(3, "start", frames.edge(30) + 0.001); await quiet();
  assert.equal(doc.words[3].start, E(33));
  near.select(3, "start");
  assert.ok(near.nudge(1)); await quiet();
  assert.equal(doc.words[3].start, E(34));
  near.moveBorder(3, "start", frames.edge(28)); await quiet();
  assert.equal(doc.words[3].start, E(28));
  near.snapsToShots = false;
  near.moveBorder(3, "start", frames.edge(32)); await quiet();
  assert.equal(doc.words[3].start, E(32));
}
