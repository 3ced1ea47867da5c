// Rows of a track that lie on the server in ever coarser levels: fetched in tiles, each drawn on its own grid.

import { getTile } from "./api.js";
import { Exact } from "../page/exact.js";

const KEPT = 240;
const AT_ONCE = 4;
const WAITING = 24; // what was wanted longest ago is forgotten: it has left the view

/**
 * Answers like the report's Rows: `pieces` gives what is here, and asks for what is not. "change" follows, with the
 * stretch of time that has come and how long one of its rows is.
 */
export class TiledRows extends EventTarget {
  constructor(told, address, version) {
    super();
    Object.assign(this, { width: told.width, full: told.full, note: told.note, label: told.label, told, address, version });
    this.period = 1 / Exact.of(told.rate).number;
    this.start = Exact.of(told.start).number;
    this.tiles = new Map();
    this.wanted = []; // the newest wish last
    this.asked = new Set();
  }

  /** The coarsest level whose rows are no wider than a pixel. */
  #levelFor(secondsPerPixel) {
    const level = Math.floor(Math.log2(secondsPerPixel / this.period));
    return Math.max(0, Math.min(this.told.levels - 1, level));
  }

  #rowsOf(level) {
    return Math.ceil(this.told.length / 2 ** level);
  }

  pieces(secondsPerPixel, a, b) {
    const level = this.#levelFor(secondsPerPixel);
    const seconds = this.period * 2 ** level * this.told.tile_rows;
    const last = Math.max(0, Math.ceil(this.#rowsOf(level) / this.told.tile_rows) - 1);
    const first = Math.min(last, Math.max(0, Math.floor((a - this.start) / seconds)));
    const stop = Math.min(last, Math.max(0, Math.floor((b - this.start) / seconds)));
    const found = [];
    const missing = [];
    for (let n = first; n <= stop; n += 1) {
      const tile = this.tiles.get(`${level}/${n}`);
      if (tile) found.push(tile);
      else missing.push([level, n]);
    }
    if (missing.length) {
      const fresh = new Set(missing.map(([, n]) => `${level}/${n}`));
      this.wanted = [...this.wanted.filter((key) => !fresh.has(key)), ...[...fresh].reverse()].slice(-WAITING);
      this.#next();
    }
    // What is not here yet is drawn coarser, if that is here.
    return missing.length ? [...this.#coarser(level, missing), ...found] : found;
  }

  #coarser(level, missing) {
    const found = new Set();
    for (const [, n] of missing) {
      for (let above = 1; level + above < this.told.levels; above += 1) {
        const tile = this.tiles.get(`${level + above}/${n >> above}`);
        if (tile) { found.add(tile); break; }
      }
    }
    return found;
  }

  #next() {
    while (this.asked.size < AT_ONCE && this.wanted.length) {
      const key = this.wanted.pop();
      if (!this.asked.has(key) && !this.tiles.has(key)) this.#fetch(key);
    }
  }

  async #fetch(key) {
    this.asked.add(key);
    try {
      const { header, values } = await getTile(`${this.address}/${key}?v=${this.version}`);
      // The tile says itself where it lies: nothing is reckoned from its number.
      const period = 1 / Exact.of(header.rate).number;
      const start = Exact.of(header.start).number + header.first * period;
      this.tiles.set(key, { key, start, period, values, count: header.length });
      if (this.tiles.size > KEPT) this.tiles.delete(this.tiles.keys().next().value);
      this.dispatchEvent(new CustomEvent("change", { detail: { a: start, b: start + header.length * period, period } }));
    } catch (error) {
      console.info(`a tile is missing: ${error.message}`);
    } finally {
      this.asked.delete(key);
      this.#next();
    }
  }
}
