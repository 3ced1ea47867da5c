// The offset of sound against picture: what was measured, how sure, what the standards say, and one button to repair.

import { signedMs } from "../page/format.js";
import { make } from "../page/panels.js";
import { getJson } from "./api.js";
import { fillForm } from "./forms.js";
import { SimilarityPicture } from "./similarity_picture.js";
import { t } from "./texts.js";
import { WarpKnots } from "./warp_knots.js";
import { WarpTable } from "./warp_table.js";

const $ = (id) => document.getElementById(id);

export class SyncScreen {
  constructor(jobs, { hear, tell }) {
    Object.assign(this, { jobs, tell });
    this.file = null;
    this.picture = new SimilarityPicture($("similarity"));
    this.warp = new WarpTable($("warp-rows"), $("warp-drift"), $("warp-add"));
    this.knots = new WarpKnots(this.picture, this.warp);
    this.warp.addEventListener("change", () => this.picture.setSteps(this.warp.steps, this.warp.drift));
    $("warp-take").addEventListener("click", () => this.warp.take(this.sync));
    $("warp-mend").addEventListener("click", () => this.#run("mend", this.warp.options));
    $("sync-measure").addEventListener("click", () => this.#run("sync"));
    $("sync-repair").addEventListener("click", () => this.#run("repair"));
    $("sync-hear").addEventListener("click", () => hear(this.sync.offset_seconds));
  }

  async show(file) {
    if (this.file !== file) {
      this.file = file;
      $("repair-result").textContent = "";
      this.options = await fillForm($("sync-form"), "repair");
    }
    const { sync, picture: drawn } = await getJson(`/api/files/${file}/sync`);
    this.sync = sync;
    const known = sync && sync.offset_seconds !== null;
    $("sync-sentence").textContent = sync ? sync.sentence || sync.reason : t("not_measured");
    $("sync-hear").disabled = !known;
    $("sync-repair").disabled = !known;
    const picture = $("sync-picture");
    picture.hidden = true;
    if (sync && drawn) {
      picture.alt = sync.sentence;
      picture.onload = () => { picture.hidden = false; };
      picture.src = `/api/files/${file}/sync.svg?at=${Date.now()}`;
    }
    await this.#showSimilarity(file, sync);
    $("sync-rows").replaceChildren(...(sync ? this.#rows(sync) : []));
  }

  /** What was compared, over time; the Warp begins as what was measured. */
  async #showSimilarity(file, sync) {
    const [{ similarity }, facts] = await Promise.all([`/api/files/${file}/similarity`, `/api/files/${file}/facts`].map(getJson));
    // Without a sound, or a picture, there is nothing that could be laid anew.
    const both = facts.has_sound && facts.has_picture;
    $("similarity-box").hidden = !sync || !both;
    if (!sync || !both) return;
    this.warp.end = facts.duration_seconds ?? Infinity;
    this.picture.show({ similarity, pieces: sync.pieces ?? [], start: 0, duration: facts.duration_seconds ?? 1 });
    if (this.taken !== sync.sentence) this.warp.take(sync); // what is being corrected by hand is left alone
    this.taken = sync.sentence;
  }

  #rows(sync) {
    const row = (name, ...cells) => make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, cell)));
    const interval = sync.interval_seconds;
    const rows = [];
    if (interval) rows.push(row(t("interval"), `${signedMs(interval[0])} … ${signedMs(interval[1])}`));
    if (sync.probability !== null) rows.push(row(t("probability"), sync.probability.toFixed(2)));
    rows.push(row(t("measured_by"), `${sync.estimator ?? "–"}, ${(sync.measured_seconds ?? 0).toFixed(1)} s`));
    for (const verdict of Object.values(sync.verdicts ?? {})) rows.push(row(verdict.name ?? "", t(`verdict_${verdict.result.replaceAll(" ", "_")}`)));
    if (sync.drift_ppm !== null && sync.drift_ppm !== undefined) rows.push(row(t("drift"), `${sync.drift_ppm.toFixed(0)} ppm`));
    for (const part of sync.segments?.length > 1 ? sync.segments : []) {
      const said = part.offset_seconds === null ? part.reason : signedMs(part.offset_seconds);
      rows.push(row(`${part.start_seconds.toFixed(2)} – ${part.end_seconds.toFixed(2)} s`, said));
    }
    for (const face of sync.faces ?? []) rows.push(row(t("face", { number: face.face }), face.offset_seconds === null ? face.reason : signedMs(face.offset_seconds)));
    for (const note of sync.notes ?? []) rows.push(row(t("note"), note));
    return rows;
  }

  async #run(kind, given = null) {
    const { file } = this;
    $("repair-result").textContent = t("state_running");
    for (const id of ["sync-measure", "sync-repair", "warp-mend"]) $(id).disabled = true;
    try {
      const options = given ?? this.options();
      if (kind === "sync") delete options.all_sound;
      const [id] = await this.jobs.ask(kind, [file], options);
      const job = await this.jobs.wait(id);
      $("repair-result").textContent = job.message;
    } catch (error) {
      $("repair-result").textContent = "";
      this.tell(error.message || t("no_answer"));
    }
    $("sync-measure").disabled = $("warp-mend").disabled = false;
    if (this.file === file) await this.show(file);
  }
}
