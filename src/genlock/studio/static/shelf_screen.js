// Models, datasets and training runs: what is here, what it is worth, and what is on its way.

import { bytesText } from "../page/format.js";
import { make } from "../page/panels.js";
import { getJson } from "./api.js";
import { cardNodes } from "./card_text.js";
import { DatasetPanel } from "./dataset_panel.js";
import { ended, progressText } from "./jobs.js";
import { showRun } from "./run_panel.js";
import { t } from "./texts.js";

export class ShelfScreen {
  constructor(root, jobs, { tell }) {
    Object.assign(this, { root, jobs, tell });
    jobs.addEventListener("change", () => { if (!root.hidden) this.#showFetching(); });
    jobs.addEventListener("ended", ({ detail }) => { if (!root.hidden && detail.kind === "fetch" && ended(detail)) this.#models(); });
  }

  async show() {
    if (!this.built) this.#build();
    await Promise.all([this.#models(), this.#datasets(), this.#runs()]);
  }

  #build() {
    const card = (name) => {
      const count = make("span", { class: "count" });
      const list = make("ul", { class: "shelf" });
      const detail = make("div", { class: "shelf-detail" });
      const box = make("section", { class: "card", "aria-label": t(name) }, make("div", { class: "card-head" }, make("h2", {}, t(name)), count), list, detail);
      return { box, count, list, detail };
    };
    this.models = card("models_here");
    this.datasets = card("datasets");
    this.runs = card("runs");
    this.root.replaceChildren(this.models.box, this.datasets.box, this.runs.box);
    this.built = true;
  }

  #button(name, key, action) {
    const made = make("button", { type: "button", class: "plain small", "aria-label": `${t(key)}: ${name}` }, t(key));
    made.addEventListener("click", async () => {
      try {
        await action();
      } catch (error) {
        this.tell(error.message || t("no_answer"));
      }
    });
    return made;
  }

  // ------------------------------------------------------------ models

  async #models() {
    const { models } = await getJson("/api/models");
    this.models.count.textContent = t("models_count", { here: models.filter((model) => model.present).length, all: models.length });
    this.models.list.replaceChildren(...models.map((model) => this.#model(model)));
    this.#showFetching();
  }

  #model(model) {
    const state = make("span", { class: "badge" }, make("span", { class: `dot ${model.present ? "good" : ""}` }), t(model.present ? "model_here" : "model_away"));
    const tools = make("div", { class: "badges" }, make("span", { class: "badge" }, model.licence), make("span", { class: "badge" }, bytesText(model.size_bytes)), state);
    if (model.card) tools.append(this.#button(model.name, "card", () => this.#card(model)));
    if (!model.present) tools.append(this.#button(model.name, "fetch", () => this.jobs.ask("fetch", [model.name])));
    const title = make("div", {}, make("h3", {}, model.name), make("p", {}, `${model.title}. ${model.credit}`), make("p", { class: "busy", role: "status" }));
    return make("li", { "data-model": model.name, title: model.sources.join("\n") }, title, tools);
  }

  #showFetching() {
    const running = new Map(this.jobs.active.filter((job) => job.kind === "fetch").map((job) => [job.file, job]));
    for (const row of this.models.list.children) {
      const job = running.get(row.dataset.model);
      row.querySelector(".busy").textContent = job ? progressText(job) : "";
    }
  }

  async #card(model) {
    const { text } = await getJson(`/api/models/${encodeURIComponent(model.name)}/card`);
    const article = make("article", { class: "model-card", tabindex: -1, "aria-label": t("card_of", { name: model.name }) }, ...cardNodes(text));
    this.models.detail.replaceChildren(article);
    article.focus();
    article.scrollIntoView({ block: "nearest" });
  }

  // ------------------------------------------------------------ datasets

  async #datasets() {
    const { datasets } = await getJson("/api/datasets");
    this.datasets.count.textContent = datasets.length ? String(datasets.length) : t("datasets_none");
    this.datasets.list.replaceChildren(...datasets.map((dataset) => this.#dataset(dataset)));
  }

  #dataset(dataset) {
    const { counts = {} } = dataset.progress ?? {};
    const said = Object.entries(counts).filter(([, count]) => count).map(([state, count]) => `${count} ${t(`items_${state}`)}`);
    const kinds = dataset.settings?.outputs ?? [];
    const title = make("div", {}, make("h3", {}, dataset.name), make("p", {}, [t("clips_count", { count: dataset.clips ?? "?" }), ...said, kinds.join(", ")].filter(Boolean).join(" · ")));
    const state = make("span", { class: "badge" }, make("span", { class: `dot ${dataset.finished ? "good" : "warn"}` }), t(dataset.finished ? "dataset_ready" : "dataset_going"));
    const open = this.#button(dataset.name, "look_inside", () => new DatasetPanel(this.datasets.detail, dataset, this.tell).show());
    return make("li", { "data-dataset": dataset.id }, title, make("div", { class: "badges" }, state, open));
  }

  // ------------------------------------------------------------ training runs

  async #runs() {
    const { runs } = await getJson("/api/runs");
    this.runs.count.textContent = runs.length ? String(runs.length) : t("runs_none");
    this.runs.list.replaceChildren(...runs.map((run) => {
      const state = make("span", { class: "badge" }, make("span", { class: `dot ${run.model ? "good" : "warn"}` }), t(run.model ? "run_model" : "run_going"));
      const open = this.#button(run.name, "look_inside", () => showRun(this.runs.detail, run));
      return make("li", { "data-run": run.id }, make("div", {}, make("h3", {}, run.name), make("p", {}, run.recipe)), make("div", { class: "badges" }, state, open));
    }));
  }
}
