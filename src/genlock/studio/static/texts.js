// What the page says, in the person's language: every sentence is in texts/en.json, and in texts/de.json again.

const LANGUAGES = ["en", "de"];
let texts = {};

/** Take the language that was chosen, else the browser's, else English. */
export async function loadTexts() {
  const chosen = localStorage.getItem("language") ?? navigator.language.slice(0, 2);
  const language = LANGUAGES.includes(chosen) ? chosen : "en";
  const files = language === "en" ? ["en"] : ["en", language];
  texts = Object.assign({}, ...(await Promise.all(files.map(async (name) => (await fetch(new URL(`./texts/${name}.json`, import.meta.url))).json()))));
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.title = t(element.dataset.label);
    // What a button says is its name; whoever speaks to the machine reads it off the button.
    if (!element.matches("button.plain")) element.setAttribute("aria-label", t(element.dataset.label));
  }
  for (const element of document.querySelectorAll("[data-hint]")) element.placeholder = t(element.dataset.hint);
}

/** A text by its key, with {names} filled in. A key that is not there is shown as it is, so that it is seen. */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export function otherLanguage() {
  const now = document.documentElement.lang;
  localStorage.setItem("language", LANGUAGES[(LANGUAGES.indexOf(now) + 1) % LANGUAGES.length]);
  location.reload();
}
