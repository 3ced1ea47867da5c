// The library: the files of the folder, with a picture, what is known of them, and what can be done to many at once.

import { bytesText, lengthText, signedMs } from "../page/format.js";
import { make } from "../page/panels.js";
import { getJson, upload } from "./api.js";
import { ended, progressText } from "./jobs.js";
import { t } from "./texts.js";

const $ = (id) => document.getElementById(id);

export class LibraryScreen {
  constructor(jobs, { ask, tell }) {
    Object.assign(this, { jobs, ask, tell });
    this.chosen = new Set();
    this.files = [];
    this.rows = new Map();
    this.seen = new IntersectionObserver((entries) => this.#seen(entries));
    this.waiting = [];
    this.looking = 0;
    this.#listen();
  }

  async show() {
    const { folder, files, left_out: left } = await getJson("/api/library");
    this.files = files;
    $("folder-name").textContent = folder;
    $("files-count").textContent = t("files_count", { count: files.length });
    $("library-empty").hidden = files.length > 0;
    $("left-out").hidden = !left.length;
    $("left-out").querySelector("ul").replaceChildren(...left.map((one) => make("li", {}, `${one.name}: ${one.reason}`)));
    this.chosen = new Set([...this.chosen].filter((id) => files.some((file) => file.id === id)));
    this.seen.disconnect();
    this.rows = new Map(files.map((file) => [file.id, this.#row(file)]));
    $("library").replaceChildren(...this.rows.values());
    for (const row of this.rows.values()) this.seen.observe(row);
    this.#count();
    this.#showProgress();
  }

  #row(file) {
    const box = make("input", { type: "checkbox", "aria-label": t("choose", { name: file.name }) });
    box.checked = this.chosen.has(file.id);
    box.addEventListener("change", () => {
      if (box.checked) this.chosen.add(file.id);
      else this.chosen.delete(file.id);
      this.#count();
    });
    const title = make("h3", {}, make("a", { href: `#/timeline/${file.id}` }, file.name));
    const about = make("div", {}, title, make("p", { class: "facts-line" }, bytesText(file.size_bytes)), make("p", { class: "warn", hidden: true }));
    return make("li", { "data-file": file.id }, box, make("img", { class: "thumb", alt: "", width: 112, height: 63 }), about, this.#badges(file));
  }

  #badges(file) {
    const badges = make("div", { class: "badges" });
    if (file.sync) {
      const { offset_seconds: offset, mark, sentence, reason } = file.sync;
      const text = offset === null ? t("offset_unknown") : signedMs(offset);
      badges.append(make("span", { class: "badge", title: sentence ?? reason }, make("span", { class: `dot ${mark}` }), text));
    }
    if (file.words !== null) badges.append(make("span", { class: "badge" }, t(file.corrected ? "words_corrected" : "words_count", { count: file.words })));
    badges.append(make("span", { class: "badge busy", hidden: true }));
    return badges;
  }

  /** Files are looked at as they come into view, two at a time. */
  #seen(entries) {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      this.seen.unobserve(entry.target);
      this.waiting.push(entry.target);
    }
    this.#lookAtNext();
  }

  async #lookAtNext() {
    while (this.looking < 2 && this.waiting.length) {
      const row = this.waiting.shift();
      this.looking += 1;
      this.#look(row).finally(() => { this.looking -= 1; this.#lookAtNext(); });
    }
  }

  async #look(row) {
    const { file } = row.dataset;
    try {
      const facts = await getJson(`/api/files/${file}/facts`);
      const length = facts.duration_seconds === null ? [] : [lengthText(facts.duration_seconds)];
      const line = row.querySelector(".facts-line");
      line.textContent = [...length, line.textContent].join(" · ");
      line.title = facts.streams.join("\n");
      const warn = row.querySelector(".warn");
      warn.hidden = !facts.notes.length;
      warn.textContent = facts.notes[0] ?? "";
      warn.title = facts.notes.join("\n");
      if (facts.has_picture) row.querySelector("img").src = `/api/files/${file}/thumbnail`;
    } catch (error) {
      this.tell(error.message);
    }
  }

  #count() {
    $("chosen-count").textContent = this.chosen.size ? t("chosen_count", { count: this.chosen.size }) : t("none_chosen");
    $("choose-all").checked = this.files.length > 0 && this.chosen.size === this.files.length;
    for (const button of document.querySelectorAll("[data-job]:is(button)")) button.disabled = !this.chosen.size;
  }

  #showProgress() {
    const running = new Map(this.jobs.active.map((job) => [job.file, job]));
    for (const [id, row] of this.rows) {
      const badge = row.querySelector(".busy");
      const job = running.get(id);
      badge.hidden = !job;
      if (job) badge.textContent = `${t(`job_${job.kind}`)}: ${progressText(job)}`;
    }
  }

  #listen() {
    $("choose-all").addEventListener("change", (event) => {
      this.chosen = new Set(event.target.checked ? this.files.map((file) => file.id) : []);
      for (const [id, row] of this.rows) row.querySelector("input").checked = this.chosen.has(id);
      this.#count();
    });
    for (const button of document.querySelectorAll("button[data-job]")) {
      button.addEventListener("click", () => this.ask(button.dataset.job, [...this.chosen]));
    }
    $("upload").addEventListener("change", (event) => this.#send([...event.target.files]));
    this.jobs.addEventListener("change", () => this.#showProgress());
    this.jobs.addEventListener("ended", ({ detail }) => {
      if (ended(detail) && !$("screen-library").hidden) this.show();
    });
    const over = (event) => event.dataTransfer?.types.includes("Files") && !$("screen-library").hidden;
    addEventListener("dragover", (event) => { if (over(event)) { event.preventDefault(); document.body.classList.add("dropping"); } });
    addEventListener("dragleave", () => document.body.classList.remove("dropping"));
    addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!over(event)) return;
      event.preventDefault();
      this.#send([...event.dataTransfer.files]);
    });
  }

  async #send(files) {
    const refused = [];
    for (const file of files) {
      try {
        await upload(file, (share) => this.tell(t("uploading", { name: file.name, share: Math.floor(100 * share) })));
      } catch (error) {
        refused.push(error.message || t("no_answer"));
      }
    }
    this.tell(refused.join("\n"));
    $("upload").value = "";
    await this.show();
  }
}
