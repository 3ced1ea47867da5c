// Frames that the browser itself decodes out of the film (WebCodecs), each known by its own time stamp.

const READ = new Set(["h264", "hevc", "vp8", "vp9", "av1", "prores"]); // of FFmpeg's names, those that the reader knows
const ROUNDED = 0.002; // seconds by which a container may have rounded a stamp
const KEPT_BYTES = 96e6;
const BACK = 8; // frames that are decoded together when somebody steps back

/**
 * Gives pictures of single frames where the browser can decode the film, and null where it cannot: then the server's
 * are taken. A frame is given only if the stamp that was decoded is that of the cell that was asked for.
 */
export class BrowserFrames {
  constructor(source, frames, codecs, side) {
    Object.assign(this, { source, frames, codecs, side });
    this.kept = new Map();
    this.bytes = 0;
    this.reason = ""; // why the browser is not asked; empty: it is
    this.turn = Promise.resolve();
    this.opened = this.#open().catch((error) => { this.reason = error.message; });
  }

  async #open() {
    if (!("VideoDecoder" in window)) throw new Error("this browser has no WebCodecs");
    const unknown = this.codecs.find((codec) => !READ.has(codec));
    if (unknown) throw new Error(`nothing in a browser reads ${unknown}`);
    const { ALL_FORMATS, EncodedPacketSink, Input, UrlSource, VideoSampleSink } = await import("./vendor/mediabunny/mediabunny.min.mjs");
    const input = new Input({ formats: ALL_FORMATS, source: new UrlSource(this.source) });
    const track = await input.getPrimaryVideoTrack();
    if (!track || !(await track.canDecode())) throw new Error(`the browser does not decode ${track?.codec ?? "this film"}`);
    const { frames } = this;
    const last = await new EncodedPacketSink(track).getPacket(Infinity, { metadataOnly: true });
    const ends = [[await track.getFirstTimestamp(), 0], [last?.timestamp ?? NaN, frames.count - 1]];
    // Another reading of the file's edit list, or frames that only one of us drops: nothing is guessed from there.
    const apart = ends.find(([stamp, k]) => !(Math.abs(stamp - frames.edge(k)) <= ROUNDED));
    if (apart) throw new Error(`frame ${apart[1]} lies at ${apart[0]} s for the browser`);
    this.sink = new VideoSampleSink(track);
  }

  /** Frame k as something that can be drawn, or null. Whoever asks while another is decoded waits for its turn. */
  picture(k) {
    this.wanted = k;
    this.turn = this.turn.then(() => this.#picture(k)).catch((error) => {
      console.info(`frame ${k} is left to the server: ${error.message}`);
      return null;
    });
    return this.turn;
  }

  async #picture(k) {
    await this.opened;
    if (this.reason) return null;
    if (!this.kept.has(k) && this.wanted === k) await this.#decode(k);
    const found = this.kept.get(k) ?? null;
    if (found) { this.kept.delete(k); this.kept.set(k, found); } // the last ones asked for are kept
    return found;
  }

  async #decode(k) {
    const { frames } = this;
    const steps = k - this.before; // from the frame that was asked for before this one
    this.before = k;
    if (steps === 1) {
      this.running ??= this.sink.samples(frames.center(k));
      while (this.wanted === k && !this.kept.has(k)) {
        const { value, done } = await this.running.next();
        if (done || this.#keep(value) > k) break;
      }
      if (this.kept.has(k)) return;
    }
    await this.#stop();
    if (steps === -1) {
      for await (const sample of this.sink.samples(frames.center(Math.max(0, k - BACK)), frames.center(k))) {
        if (this.#keep(sample) >= k || this.wanted !== k) break;
      }
    } else {
      const sample = await this.sink.getSample(frames.center(k));
      if (sample) this.#keep(sample);
    }
  }

  async #stop() {
    await this.running?.return();
    this.running = null;
  }

  /** Draw a decoded frame and keep the drawing, under the number that its stamp says; gives that number, or -1. */
  #keep(sample) {
    const { frames } = this;
    const k = frames.nearest(sample.timestamp);
    const known = Math.abs(sample.timestamp - frames.edge(k)) <= ROUNDED;
    if (known && !this.kept.has(k)) {
      const scale = Math.min(1, this.side() / Math.max(sample.displayWidth, sample.displayHeight));
      const canvas = new OffscreenCanvas(Math.max(1, Math.round(sample.displayWidth * scale)), Math.max(1, Math.round(sample.displayHeight * scale)));
      sample.draw(canvas.getContext("2d"), 0, 0, canvas.width, canvas.height);
      this.kept.set(k, canvas);
      this.bytes += 4 * canvas.width * canvas.height;
      while (this.bytes > KEPT_BYTES && this.kept.size > 1) this.#forget(this.kept.keys().next().value);
    }
    sample.close();
    return known ? k : -1;
  }

  #forget(k) {
    const canvas = this.kept.get(k);
    this.bytes -= 4 * canvas.width * canvas.height;
    this.kept.delete(k);
  }
}
