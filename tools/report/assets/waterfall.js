/* The pause, from STOP on, all hosts and all runs on one axis. */

const SIDES = ["source", "network", "destination", "unexplained"];

function pieceOf(bar, end) {
  const left = 100 * bar.start / end;
  const width = 100 * bar.ms / end;
  const out = make("div", { class: "piece " + bar.side, tabindex: "0",
    role: "img", "aria-label": `${bar.name}, ${bar.side}: ${ms(bar.ms)} from ` +
      `${ms(bar.start)}` }, bar.name);
  out.style.left = Math.max(0, Math.min(left, 99.8)) + "%";
  out.style.width = Math.max(0, Math.min(width, 100 - left)) + "%";
  explain(out, `${bar.name}: ${ms(bar.ms)}`, [
    `${bar.side}, from ${ms(bar.start)} to ${ms(bar.start + bar.ms)}`,
    bar.evidence]);
  return out;
}

/* A name that does not fit is not shown half. */
function trim(root) {
  for (const piece of root.querySelectorAll(".piece, .status")) {
    piece.classList.remove("narrow");
    piece.classList.toggle("narrow",
      piece.scrollWidth > piece.clientWidth + 1 || piece.clientWidth < 14);
  }
}

function waterfallRow(label, track, value) {
  return make("div", { class: "row" }, make("div", {}, label), track,
    make("div", {}, value));
}

function lane(bars, side, end) {
  const track = make("div", { class: "track lane" });
  for (const bar of bars)
    if (bar.side === side) track.append(pieceOf(bar, end));
  return track;
}

function sum(bars, side) {
  return bars.filter((bar) => bar.side === side)
    .reduce((total, bar) => total + bar.ms, 0);
}

/* A lane for each side that did something. */
function lanes(fall, end) {
  const out = [];
  for (const side of SIDES)
    if (fall.bars.some((bar) => bar.side === side))
      out.push(waterfallRow(side, lane(fall.bars, side, end),
        ms(sum(fall.bars, side))));
  return out;
}

function rows(fall, end) {
  return fall.bars.map((bar) => {
    const piece = pieceOf(bar, end);
    piece.textContent = "";
    piece.removeAttribute("tabindex");
    const share = fall.total ? `, ${figures(100 * bar.ms / fall.total, 0)} %`
                             : "";
    return waterfallRow(bar.name, make("div", { class: "track" }, piece),
      ms(bar.ms) + share);
  });
}

function axisRow(end) {
  const axis = make("div", { class: "axis", "aria-hidden": "true" });
  for (const at of ticks(end, 6)) {
    const tick = make("span", { class: at > 0.95 * end ? "last" : null },
      `${+at.toPrecision(6)}`);
    tick.style.left = 100 * at / end + "%";
    axis.append(tick);
  }
  axis.lastChild.append(" ms");
  return waterfallRow("", axis, "");
}

function drawWaterfall(root, runs) {
  const known = runs.filter((run) => run.waterfall);
  const end = Math.max(1e-6, ...known.map((run) => Math.max(
    run.waterfall.total || 0,
    ...run.waterfall.bars.map((bar) => bar.start + bar.ms))));
  root.append(make("ul", { class: "keys" }, ...SIDES.filter((side) =>
    known.some((run) => run.waterfall.bars.some((bar) => bar.side === side)))
    .map((side) => make("li", {}, make("i", { class: side }), side))));
  const fall = make("div", { class: "fall" });
  for (const run of known) {
    if (runs.length > 1)
      fall.append(make("h3", {}, run.name + (run.waterfall.total
        ? `: ${ms(run.waterfall.total)}` : "")));
    fall.append(...lanes(run.waterfall, end));
    if (runs.length === 1)
      fall.append(make("div", { class: "pieces" }, ...rows(run.waterfall, end)));
  }
  fall.append(axisRow(end));
  root.append(fall);
  trim(fall);
}
