/* What each round sent: new pages and pages sent again; zero pages beside. */

function roundSets(data, bars) {
  const set = (label, key, tint, stack) => ({ label, stack,
    data: bars.map((bar) => bar[key]), backgroundColor: tint,
    /* Of few, the two of a round stand side by side still. */
    categoryPercentage: Math.min(0.8, bars.length / 12) });
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
  const shown = () => data.bars.slice(kept.rounds);
  const chart = addChart(root, "Pages by round", "Pages that each round sent; " +
    "the table has the figures", "high", {
    type: "bar",
    data: { labels: shown().map((bar) => bar.label),
      datasets: roundSets(data, shown()) },
    options: {
      interaction: { mode: "index", intersect: false },
      scales: {
        x: axis("round", { stacked: true, grid: { display: false } }),
        y: axis("pages", { stacked: true, beginAtZero: true }),
      },
      plugins: {
        legend: { ...legend(), labels: { ...legend().labels,
          usePointStyle: false, boxWidth: 12, boxHeight: 12 } },
        tooltip: { callbacks: {
          title: (items) => items.length ? "round " + items[0].label : "",
          label: (item) => `${item.dataset.label}: ${item.parsed.y}` } },
      },
    },
  });
  if (data.bars.length < 3) return;
  root.prepend(choices("Rounds that are shown",
    ["all rounds", "without the first"], kept.rounds, (index) => {
      kept.rounds = index;
      chart.data.labels = shown().map((bar) => bar.label);
      chart.data.datasets = roundSets(data, shown());
      chart.update();
    }));
}
