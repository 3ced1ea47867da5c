// Jobs: what waits, runs and has ended, asked for again and again while something runs.

import { make } from "../page/panels.js";
import { getJson, post } from "./api.js";
import { t } from "./texts.js";

const BUSY_MS = 600;
const QUIET_MS = 4000;

/** Knows every job; emits "change", and "ended" with the job as detail. */
export class Jobs extends EventTarget {
  constructor() {
    super();
    this.known = new Map();
    this.since = 0;
    this.timer = 0;
    this.#look();
  }

  async #look() {
    clearTimeout(this.timer);
    try {
      const { jobs } = await getJson(`/api/jobs?since=${this.since}`);
      for (const job of jobs) {
        const before = this.known.get(job.id);
        this.known.set(job.id, job);
        this.since = Math.max(this.since, job.change);
        if (before && !ended(before) && ended(job)) this.dispatchEvent(new CustomEvent("ended", { detail: job }));
      }
      if (jobs.length) this.dispatchEvent(new Event("change"));
      this.lost = false;
    } catch {
      this.lost = true; // the server is away: it is asked again, and the jobs with it
    }
    this.timer = setTimeout(() => this.#look(), this.active.length ? BUSY_MS : QUIET_MS);
  }

  get active() {
    return [...this.known.values()].filter((job) => !ended(job));
  }

  async ask(kind, files, options = {}) {
    const { jobs } = await post("/api/jobs", { kind, files, options });
    await this.#look();
    return jobs;
  }

  async cancel(id) {
    await post(`/api/jobs/${id}/cancel`);
    await this.#look();
  }

  /** The job, once it has ended. */
  wait(id) {
    return new Promise((resolve) => {
      const look = () => {
        const job = this.known.get(id);
        if (!job || !ended(job)) return;
        this.removeEventListener("change", look);
        resolve(job);
      };
      this.addEventListener("change", look);
      look();
    });
  }
}

export const ended = (job) => ["done", "failed", "cancelled"].includes(job.state);

/** How far a job is, in words. */
export function progressText(job) {
  if (job.state !== "running") return t(`state_${job.state}`);
  const share = job.total ? ` ${Math.min(100, Math.floor((100 * job.done) / job.total))} %` : "";
  return `${job.stage || t("state_running")}${share}`;
}

export function showJobs(jobs, list) {
  const logs = new Map(); // logs that are open stay open while their job goes on
  const draw = () => {
    const all = [...jobs.known.values()].sort((a, b) => b.id - a.id).slice(0, 200);
    document.getElementById("jobs-empty").hidden = all.length > 0;
    list.replaceChildren(...all.map((job) => row(jobs, job, logs)));
  };
  jobs.addEventListener("change", () => { if (!list.closest("section").hidden) draw(); });
  return draw;
}

function row(jobs, job, logs) {
  const item = make("li", { "data-job": job.id }, make("h3", {}, `${t(`job_${job.kind}`)}: ${job.name}`));
  if (ended(job)) item.append(make("span", { class: "badge" }, make("span", { class: `dot ${{ done: "good", failed: "bad" }[job.state] ?? ""}` }), t(`state_${job.state}`)));
  else {
    const stop = make("button", { type: "button", class: "plain small" }, t("cancel"));
    stop.addEventListener("click", () => jobs.cancel(job.id));
    item.append(stop, make("progress", { max: 1, value: job.total ? job.done / job.total : null, "aria-label": progressText(job) }));
  }
  item.append(make("p", {}, ended(job) ? job.message : progressText(job)));
  const log = make("details", { open: logs.has(job.id) || null }, make("summary", {}, t("log")), make("pre", { tabindex: 0 }, logs.get(job.id) ?? ""));
  const fill = async () => {
    const { lines } = await getJson(`/api/jobs/${job.id}`);
    const text = lines.map((line) => `${new Date(1000 * line.at).toLocaleTimeString()}  ${line.text}`).join("\n");
    logs.set(job.id, text);
    log.querySelector("pre").textContent = text;
  };
  log.addEventListener("toggle", () => { if (log.open) fill(); else logs.delete(job.id); });
  if (logs.has(job.id) && !ended(job)) fill();
  item.append(log);
  return item;
}
