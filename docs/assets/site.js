// Wide code is scrolled by keys too: the theme takes blocks out of reach that it believes to be narrow.
document.querySelectorAll("pre > code").forEach((code) => {
  const reachable = () => {
    if (code.getAttribute("tabindex") !== "0") code.setAttribute("tabindex", "0");
  };
  reachable();
  new MutationObserver(reachable).observe(code, { attributes: true, attributeFilter: ["tabindex"] });
});

// What is wider than the page is scrolled by keys as well: tables, and what a cell of a notebook showed.
const scrolled = () => document.querySelectorAll(".md-typeset__scrollwrap, .shown").forEach((box) => {
  box.toggleAttribute("tabindex", false);
  if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
});
new ResizeObserver(scrolled).observe(document.querySelector(".md-content"));
new MutationObserver(scrolled).observe(document.querySelector(".md-content"), { childList: true, subtree: true });
scrolled();

document.querySelector(".md-search")?.setAttribute("aria-label", "Search"); // the theme gives its dialog no name
