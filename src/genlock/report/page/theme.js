// Runs before the page is drawn, so that it never flashes in the other theme.
(() => {
  const light = matchMedia("(prefers-color-scheme: light)");
  const apply = () => {
    const chosen = document.documentElement.dataset.chosen;
    document.documentElement.dataset.theme = chosen || (light.matches ? "light" : "dark");
    dispatchEvent(new Event("themechange"));
  };
  light.addEventListener("change", apply);
  addEventListener("themechoice", apply);
  apply();
})();
