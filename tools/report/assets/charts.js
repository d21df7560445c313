/* Chart.js as the report uses it. */

Chart.defaults.animation = false;
Chart.defaults.locale = "en";
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = "system-ui, -apple-system, 'Segoe UI', Roboto, " +
  "'DejaVu Sans', sans-serif";

const drawn = []; // charts on the page

function dropCharts() {
  while (drawn.length) drawn.pop().destroy();
}

function addChart(root, caption, label, height, config) {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  root.append(make("figure", {}, make("figcaption", {}, caption),
    make("div", { class: "plot " + height }, canvas)));
  const chart = new Chart(canvas, config);
  drawn.push(chart);
  return chart;
}

function axis(title, more) {
  return { title: { display: !!title, text: title, color: colour("muted") },
    ticks: { color: colour("muted"), maxRotation: 0, autoSkipPadding: 12,
      includeBounds: false, format: { useGrouping: false } },
    grid: { color: colour("grid"), borderColor: colour("line") }, ...more };
}

function legend() {
  return { position: "top", align: "start", labels: { color: colour("text"),
    usePointStyle: true, pointStyleWidth: 26, boxHeight: 7, padding: 14,
    generateLabels: legendLabels } };
}

/* With the dashes of the lines that they stand for. */
function legendLabels(chart) {
  const { generateLabels } = Chart.defaults.plugins.legend.labels;
  return generateLabels(chart).map((label) => label.pointStyle === "line"
    ? { ...label,
      lineDash: chart.data.datasets[label.datasetIndex].borderDash } : label);
}

/* Of a curve of the data: points, with gaps. */
function points(curve, unit) {
  return curve.t.map((t, i) => ({ x: t / unit, y: curve.v[i] }));
}

function line(label, curve, unit, tint, more) {
  const few = curve.t.length < 80;
  return { label, data: points(curve, unit), borderColor: tint,
    backgroundColor: tint, borderWidth: 1.8, pointRadius: few ? 1.8 : 0,
    pointHitRadius: 6, pointStyle: "line", spanGaps: false, ...more };
}

function extremes(curve) {
  const known = curve.v.filter((v) => v !== null);
  return known.length ? [Math.min(...known), Math.max(...known)] : null;
}

/* For those who do not see it. */
function spoken(name, curve, unit) {
  const range = extremes(curve);
  return range ? `${name} between ${+range[0].toPrecision(4)} and ` +
    `${+range[1].toPrecision(4)} ${unit}` : `${name} not known`;
}
