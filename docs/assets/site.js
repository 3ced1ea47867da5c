// Wide code is scrolled by keys too: the theme takes blocks out of reach that it believes to be narrow.
document.querySelectorAll("pre > code").forEach((code) => {
  const reachable = () => {
    if (code.getAttribute("tabindex") !== "0") code.setAttribute("tabindex", "0");
  };
  reachable();
  new MutationObserver(reachable).observe(code, { attributes: true, attributeFilter: ["tabindex"] });
});
