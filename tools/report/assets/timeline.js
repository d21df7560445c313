/* Rates, what is left, expected downtime and throttling over one time axis,
   with passes, the pause, and a line where the pointer is. */

const pointer = { t: null };

function marksPlugin(data, unit) {
  return {
    id: "marks",
    beforeDatasetsDraw(chart) {
      const { ctx, chartArea: area, scales: { x } } = chart;
      ctx.save();
      ctx.beginPath();
      ctx.rect(area.left, area.top, area.width, area.height);
      ctx.clip();
      if (data.stop !== null) {
        const from = x.getPixelForValue(data.stop / unit);
        const to = data.resume === null ? from + 1
          : x.getPixelForValue(data.resume / unit);
        ctx.fillStyle = colour("pause");
        ctx.fillRect(from, area.top, Math.max(3, to - from), area.height);
      }
      ctx.strokeStyle = colour("muted");
      ctx.globalAlpha = data.passes.length > 60 ? 0.25 : 0.55;
      ctx.setLineDash([2, 4]);
      for (const pass of data.passes) {
        const at = x.getPixelForValue(pass.t / unit);
        ctx.beginPath();
        ctx.moveTo(at, area.top);
        ctx.lineTo(at, area.bottom);
        ctx.stroke();
      }
      ctx.restore();
    },
    afterDraw(chart) {
      if (pointer.t === null) return;
      const { ctx, chartArea: area, scales: { x } } = chart;
      const at = x.getPixelForValue(pointer.t);
      if (at < area.left || at > area.right) return;
      ctx.save();
      ctx.strokeStyle = colour("text");
      ctx.globalAlpha = 0.6;
      ctx.beginPath();
      ctx.moveTo(at, area.top);
      ctx.lineTo(at, area.bottom);
      ctx.stroke();
      ctx.restore();
    },
    afterEvent(chart, { event }) {
      const { chartArea: area, scales: { x } } = chart;
      const inside = event.type !== "mouseout" && event.x >= area.left &&
        event.x <= area.right;
      const t = inside ? x.getValueForPixel(event.x) : null;
      if (t === pointer.t) return;
      pointer.t = t;
      for (const other of drawn)
        if (other.options.onOneTime) other.draw();
    },
  };
}

function timeChart(root, data, caption, title, label, datasets, more) {
  const { unit, unitName } = timeUnit(data.end);
  /* Room above what lies at the top. */
  const plain = { beginAtZero: true, grace: "5%" };
  return addChart(root, caption, label, more.height || "", {
    type: "line",
    data: { datasets },
    plugins: [marksPlugin(data, unit)],
    options: {
      onOneTime: true,
      parsing: false,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      scales: {
        x: axis(more.last ? `time since the beginning, ${unitName}` : "",
          { type: "linear", min: data.begin / unit, max: data.end / unit,
            afterFit: (scale) => {
              scale.paddingLeft = 0;
              scale.paddingRight = 12;
            } }),
        y: axis(title, { ...plain, afterFit: (scale) => { scale.width = 64; } }),
      },
      plugins: {
        legend: legend(),
        tooltip: {
          callbacks: {
            title: (items) => items.length
              ? `${+items[0].parsed.x.toFixed(3)} ${unitName}` : "",
            label: (item) => `${item.dataset.label}: ` +
              `${+item.parsed.y.toPrecision(5)} ${title}`,
          },
        },
      },
    },
  });
}

function timeUnit(end) {
  return end > 10000 ? { unit: 1000, unitName: "s" }
                     : { unit: 1, unitName: "ms" };
}

/* What QEMU called its state, over the same width as the charts. */
function statusStrip(data) {
  const strip = make("div", { class: "statuses", role: "img",
    "aria-label": "Status: " + data.statuses.map((status) =>
      `${status.name} from ${ms(status.t)}`).join(", ") });
  const span = data.end - data.begin || 1;
  data.statuses.forEach((status, index) => {
    const next = data.statuses[index + 1];
    const from = Math.max(0, status.t - data.begin) / span;
    const to = next ? Math.max(0, next.t - data.begin) / span : 1;
    const piece = make("span", { class: "status" }, status.name);
    piece.style.left = 100 * Math.min(from, 0.998) + "%";
    piece.style.width = Math.max(0.2, 100 * (Math.min(to, 1) - from)) + "%";
    explain(piece, status.name, [`from ${ms(status.t)}` +
      (next ? ` to ${ms(next.t)}` : "")]);
    strip.append(piece);
  });
  strip.style.marginLeft = "64px";
  strip.style.marginRight = "12px";
  return strip;
}

function marksLegend(data) {
  const keys = make("ul", { class: "keys" });
  if (data.passes.length)
    keys.append(make("li", {}, "┊ dotted lines: dirty-bitmap syncs, passes " +
      `${data.passes[0].name.replace("pass ", "")} to ` +
      data.passes[data.passes.length - 1].name.replace("pass ", "")));
  if (data.stop !== null) {
    const swatch = make("i", {});
    swatch.style.background = colour("pause");
    keys.append(make("li", {}, swatch, `the pause, from ${ms(data.stop)}` +
      (data.resume === null ? "" : ` to ${ms(data.resume)}`)));
  }
  return keys;
}

function drawTimeline(root, runs) {
  const data = runs[0].timeline;
  const { unit } = timeUnit(data.end);
  root.append(marksLegend(data), statusStrip(data));
  trim(root);
  /* A limit lies above what reaches it. */
  const dashed = { borderDash: [6, 4], pointRadius: 0, stepped: true,
    order: -1 };
  timeChart(root, data, "Sent, and dirtied by the guest", "MiB/s",
    spoken("Sent", data.sent, "MiB/s") + "; " +
    spoken("dirtied", data.dirtied, "MiB/s"), [
      line("sent (QEMU's mbps)", data.sent, unit, colour("c1")),
      line("dirtied (QEMU's dirty rate)", data.dirtied, unit, colour("c2"),
        { borderDash: [3, 2] }),
      line("max-bandwidth", data.bandwidth, unit, colour("muted"), dashed),
    ], {});
  timeChart(root, data, "Left to send", "MiB",
    spoken("Left to send", data.remaining, "MiB"), [
      line("remaining", data.remaining, unit, colour("c1"),
        { fill: "origin", backgroundColor: colour("c1") + "33" }),
      line("with which QEMU may switch over, at each pass", data.allowed, unit,
        colour("c2"), { showLine: data.allowed.t.length > 1,
          pointStyle: "triangle", pointRadius: 4, borderDash: [6, 4],
          stepped: true }),
    ], {});
  const throttled = data.throttle.t.length > 0;
  timeChart(root, data, "Downtime, expected by QEMU, and its limit", "ms",
    spoken("Expected downtime", data.expected, "ms") + "; " +
    spoken("limit", data.limit, "ms"), [
      line("expected-downtime", data.expected, unit, colour("c3")),
      line("downtime-limit", data.limit, unit, colour("c2"), dashed),
    ], { last: !throttled });
  if (throttled)
    timeChart(root, data, "Guest throttled by auto-converge", "%",
      spoken("Throttled", data.throttle, "percent"), [
        line("throttle", data.throttle, unit, colour("c4"),
          { stepped: true, fill: "origin",
            backgroundColor: colour("c4") + "33" })],
      { height: "low", last: true });
}
