/* What each round sent: new pages and pages sent again; zero pages beside. */

function roundSets(data, bars) {
  const set = (label, key, tint, stack) => ({ label, stack,
    data: bars.map((bar) => bar[key]), backgroundColor: tint,
    minBarLength: 0, maxBarThickness: 46 });
  const out = [set("first time", "fresh", colour("c1"), "pages")];
  out.push(set(data.same_known ? "again, changed" : "again", "changed",
    colour("c2"), "pages"));
  if (data.same_known)
    out.push(set("again, same content", "same", colour("c5"), "pages"));
  out.push(set("zero (of all)", "zero", colour("muted"), "zero"));
  return out;
}

function drawRounds(root, runs) {
  const data = runs[0].rounds;
  const chart = addChart(root, "Pages by round", "Pages that each round sent; " +
    "the table has the figures", "high", {
    type: "bar",
    data: { labels: data.bars.map((bar) => bar.label),
      datasets: roundSets(data, data.bars) },
    options: {
      interaction: { mode: "index", intersect: false },
      scales: {
        x: axis("round", { stacked: true, grid: { display: false } }),
        y: axis("pages", { stacked: true, beginAtZero: true }),
      },
      plugins: {
        legend: { ...legend(), labels: { ...legend().labels,
          usePointStyle: false, boxWidth: 12, boxHeight: 12 } },
        tooltip: { callbacks: { title: (items) => items.length
          ? "round " + items[0].label : "" } },
      },
    },
  });
  if (data.bars.length < 3) return;
  root.prepend(choices("Rounds that are shown",
    ["all rounds", "without the first"], 0, (index) => {
      const bars = data.bars.slice(index);
      chart.data.labels = bars.map((bar) => bar.label);
      chart.data.datasets = roundSets(data, bars);
      chart.update();
    }));
}
