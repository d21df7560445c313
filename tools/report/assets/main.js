/* Draws all charts, and again when colours or sizes change. */

const DRAW = { waterfall: drawWaterfall, timeline: drawTimeline,
  rounds: drawRounds, heat: drawHeat, overlay: drawOverlay };

const runs = JSON.parse(document.getElementById("data").textContent);

function drawAll() {
  tooltip.hide();
  dropCharts();
  maps.length = 0;
  for (const root of document.querySelectorAll("[data-chart]")) {
    root.replaceChildren();
    DRAW[root.dataset.chart](root, runs);
  }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  button.setAttribute("aria-pressed", String(theme === "dark"));
  drawAll();
}

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.chosen = "yes";
  setTheme(root.dataset.theme === "dark" ? "light" : "dark");
});
document.addEventListener("themechange", () =>
  setTheme(document.documentElement.dataset.theme));

/* Paper is white, and has nothing to unfold. */
let shown = null;
window.addEventListener("beforeprint", () => {
  shown = { theme: document.documentElement.dataset.theme,
    folded: [...document.querySelectorAll("details:not([open])")] };
  for (const details of shown.folded) details.open = true;
  setTheme("light");
});
window.addEventListener("afterprint", () => {
  for (const details of shown.folded) details.open = false;
  setTheme(shown.theme);
});

let width = document.body.clientWidth;
window.addEventListener("resize", () => {
  if (document.body.clientWidth === width) return; // a phone's address bar
  width = document.body.clientWidth;
  for (const map of maps) map.draw();
  trim(document);
});

setTheme(document.documentElement.dataset.theme);
