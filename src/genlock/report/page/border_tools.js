// Borders of words under the pointer: found, dragged, and drawn over the lanes, with the shot changes that draw them.

import { colour } from "./colour.js";
import { firstWhere } from "./data.js";
import { Exact } from "./exact.js";

const NEAR = 6; // pixels around a border in which it is taken hold of

/** What the timeline asks of its tools (report/page/timeline.js): `grab`, `cursor` and `draw`. */
export class BorderTools {
  constructor(editor, player) {
    Object.assign(this, { editor, player });
  }

  #borderAt({ lane, t }) {
    if (lane.key !== "words") return null;
    const { words } = lane;
    const { placed } = words;
    const { scale } = this.timeline.view;
    const reach = NEAR / scale;
    let best = null;
    for (let i = Math.max(0, words.before(t + reach) - 1); i < placed.length && placed[i].start < t + reach; i += 1) {
      for (const border of ["end", "start"]) {
        const away = Math.abs(placed[i][border] - t);
        // Of two that touch, the one on whose side the pointer is.
        const inside = border === "start" ? t >= placed[i].start : t < placed[i].end;
        if (away <= reach && (!best || away < best.away - 1e-9 || (away < best.away + 1e-9 && inside))) best = { number: placed[i].number, border, away };
      }
      if ((placed[i].end - placed[i].start) * scale < 2 * NEAR && best?.number === placed[i].number) break;
    }
    return best;
  }

  cursor(place) {
    return this.#borderAt(place) ? "col-resize" : null;
  }

  grab(place) {
    const found = this.#borderAt(place);
    if (!found) return null;
    const { editor, player } = this;
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
        player.pause();
        player.seek(Exact.of(change.words.at(found.number - change.at)[found.border]).number);
      },
      drop: (moved) => {
        const change = shown;
        restore();
        if (moved && change) editor.splice(change.at, change.count, change.words);
      },
    };
  }

  draw(ctx, view, lanes) {
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

  #drawShots(ctx, view) {
    const { shots } = this.editor;
    ctx.fillStyle = colour("accent", 0.45);
    for (let k = firstWhere(shots.length, (n) => shots[n].number >= view.a); k < shots.length && shots[k].number <= view.b; k += 1) {
      ctx.fillRect(Math.round(view.x(shots[k].number)), 0, 1, this.timeline.height);
    }
  }
}
