// The takes of a file: one is chosen, another is its counterpart; kept, downloaded, thrown away.

import { make } from "../page/panels.js";
import { getJson, post, remove } from "./api.js";
import { t } from "./texts.js";

/** Emits "chosen" when another take is, and "tell" with a sentence as detail. */
export class TakeList extends EventTarget {
  constructor(root, kind) {
    super();
    Object.assign(this, { root, kind });
    this.takes = [];
    this.chosen = null; // null: the file as it is
    this.other = null;
  }

  async load(file) {
    if (this.file !== file) this.chosen = this.other = null;
    this.file = file;
    const { takes } = await getJson(`/api/files/${file}/takes`);
    const known = new Set(this.takes.map((take) => take.id));
    this.takes = takes.filter((take) => take.kind === this.kind);
    const now = this.takes.find((take) => take.id === this.chosen?.id) ?? null;
    const fresh = this.takes.find((take) => !known.has(take.id));
    this.other = this.takes.find((take) => take.id === this.other?.id) ?? null;
    this.#set(fresh ?? now ?? this.takes.at(-1) ?? null);
  }

  address(take) {
    return `/api/files/${this.file}/takes/${take.id}`;
  }

  /** By its place in the list from 1 on; 0 is the file as it is. */
  choose(number) {
    if (number <= this.takes.length) this.#set(number ? this.takes[number - 1] : null);
  }

  /** The one that was chosen before, and back. */
  swap() {
    this.#set(this.other);
  }

  #set(take) {
    if (take?.id !== this.chosen?.id) this.other = this.chosen;
    this.chosen = take;
    this.#draw();
    this.dispatchEvent(new Event("chosen"));
  }

  #draw() {
    const rows = [null, ...this.takes].map((take, number) => this.#row(take, number));
    const held = this.root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.root.replaceChildren(...rows);
    if (held) this.root.querySelector(`[data-key="${held}"]`)?.focus();
  }

  #row(take, number) {
    const id = take?.id ?? "file";
    const pick = make("input", { type: "radio", name: `${this.kind}-take`, value: id, "data-key": `pick-${id}` });
    pick.checked = (take?.id ?? null) === (this.chosen?.id ?? null);
    pick.addEventListener("change", () => this.#set(take));
    const name = take ? t(`take_${this.kind}`, { number }) : t(`no_take_${this.kind}`);
    const label = make("label", { class: "take-name" }, pick, make("kbd", {}, String(number)), make("span", {}, name));
    if (!take) return make("li", { class: "take" }, label);
    const about = make("p", {}, [take.sentence, ...Object.entries(take.options).map(([key, value]) => `${key} ${value}`)].join(" · "));
    const stale = take.stale ? make("p", { class: "warn" }, t("take_stale")) : null;
    const notes = (take.result.notes ?? []).map((note) => make("p", { class: "note" }, note));
    return make("li", { class: "take", "data-take": take.id }, label, this.#tools(take, name), about, stale, ...notes);
  }

  #tools(take, name) {
    const button = (key, action) => {
      const made = make("button", { type: "button", class: "plain small", "aria-label": `${t(key)}: ${name}`, "data-key": `${key}-${take.id}` }, t(key));
      made.addEventListener("click", async () => {
        try {
          await action();
        } catch (error) {
          this.#tell(error.message || t("no_answer"));
        }
      });
      return made;
    };
    const keep = button("keep", async () => this.#tell(t("kept", { name: (await post(`${this.address(take)}/keep`)).name })));
    const drop = button("throw_away", async () => { await remove(this.address(take)); await this.load(this.file); });
    const link = make("a", { class: "plain small", href: `${this.address(take)}/file`, download: "", "aria-label": `${t("download")}: ${name}` }, t("download"));
    return make("div", { class: "take-tools" }, keep, link, drop);
  }

  #tell(text) {
    this.dispatchEvent(new CustomEvent("tell", { detail: text }));
  }
}
