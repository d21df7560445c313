/* Memory by round: a row for each unit of memory, a column for each round. */

/* Cividis (Nunez, Anderton, Renslow 2018), dark to light. */
const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173",
  "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];

function mixed(a, b, share) {
  const part = (text, at) => parseInt(text.slice(at, at + 2), 16);
  const channel = (at) => Math.round(part(a, at) * (1 - share) +
    part(b, at) * share);
  return `rgb(${channel(1)}, ${channel(3)}, ${channel(5)})`;
}

/* More stands out more, on a light page and on a dark one. */
function heatColour(level) {
  const dark = document.documentElement.dataset.theme === "dark";
  const at = (dark ? level : 1 - level) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(at), CIVIDIS.length - 2);
  return mixed(CIVIDIS[low], CIVIDIS[low + 1], at - low);
}

/* Logarithmic: a page of many is seen, too. */
function heatLevel(share) {
  return Math.log(1 + 255 * Math.min(1, share)) / Math.log(256);
}

class HeatMap {
  constructor(root, run) {
    this.data = run.heat;
    this.page = run.page || 4096;
    /* Without rounds all was sent once; what was sent again tells more. */
    this.again = kept.again ?? this.data.columns.length === 1;
    this.at = null; // [column, bin]
    this.cells = new Map();
    this.totals = this.data.bins.map(() => [0, 0]);
    this.data.cells.forEach((row, column) => {
      for (let i = 0, bin = 0; i < row.length; i += 3) {
        bin += row[i];
        const counts = [row[i + 1], row[i + 1] - row[i + 2]];
        this.cells.set(column * this.data.bins.length + bin, counts);
        this.totals[bin][0] += counts[0];
        this.totals[bin][1] += counts[1];
      }
    });
    this.build(root);
  }

  build(root) {
    this.canvas = make("canvas", { class: "heat", tabindex: "0",
      role: "application", "aria-roledescription": "heat map",
      "aria-label": "Pages sent by address and round; arrow keys move, and " +
        "what is there is told below" });
    this.readout = make("p", { class: "readout", "aria-live": "polite" },
      "Point at the map, or move through it with the arrow keys.");
    root.append(
      choices("Pages that are shown", ["all that was sent", "sent again"],
        this.again ? 1 : 0,
        (index) => { kept.again = this.again = index === 1; this.draw(); }),
      this.key(), this.canvas, this.readout);
    this.canvas.addEventListener("pointermove", (event) => this.hover(event));
    this.canvas.addEventListener("pointerdown", (event) => this.hover(event));
    this.canvas.addEventListener("pointerleave", () => this.leave());
    this.canvas.addEventListener("blur", () => this.leave());
    this.canvas.addEventListener("keydown", (event) => this.key_down(event));
    this.draw();
  }

  key() {
    const scale = make("canvas", { width: "160", height: "12",
      "aria-hidden": "true" });
    const ctx = scale.getContext("2d");
    const gradient = ctx.createLinearGradient(0, 0, 160, 0);
    CIVIDIS.forEach((_, index) => {
      const at = index / (CIVIDIS.length - 1);
      gradient.addColorStop(at, heatColour(at));
    });
    ctx.fillStyle = gradient;
    ctx.fillRect(0, 0, 160, 12);
    return make("ul", { class: "keys" }, make("li", {}, "a page", scale,
      `all of ${bytes(this.data.unit)} (logarithmic)`));
  }

  /* A whole number of pixels for each row, so that none is lost. */
  layout() {
    const bins = this.data.bins.length;
    const row = Math.max(1, Math.floor(420 / bins));
    const width = this.canvas.parentElement.clientWidth;
    const left = width < 500 ? 78 : 84;
    return { row, width, left, bottom: 34, height: row * bins,
      column: (width - left - 2) / this.data.columns.length };
  }

  draw() {
    const place = this.place = this.layout();
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(place.width * ratio);
    this.canvas.height = Math.round((place.height + place.bottom) * ratio);
    this.canvas.style.height = place.height + place.bottom + "px";
    const ctx = this.canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = colour("grid");
    ctx.fillRect(place.left, 0, place.width - place.left - 2, place.height);
    this.draw_cells(ctx);
    this.label_rows(ctx);
    this.label_columns(ctx);
    if (this.at) this.frame(ctx);
  }

  /* What is alike at once: on paper seams would show. */
  draw_cells(ctx) {
    let run = null;
    for (const [key, counts] of this.cells) {
      const tint = this.tint(key, counts);
      if (run && key === run.end && key % this.data.bins.length &&
          tint === run.tint) {
        ++run.end;
        continue;
      }
      this.fill(ctx, run);
      run = { begin: key, end: key + 1, tint };
    }
    this.fill(ctx, run);
  }

  /* Null where nothing is to be seen. */
  tint(key, counts) {
    const pages = counts[this.again ? 1 : 0];
    const [, , , size] = this.data.bins[key % this.data.bins.length];
    const all = Math.max(1, size / this.page);
    return pages ? heatColour(heatLevel(pages / all)) : null;
  }

  fill(ctx, run) {
    if (!run || !run.tint) return;
    const bins = this.data.bins.length;
    const { row, left, column: width } = this.place;
    const column = Math.floor(run.begin / bins);
    const x = Math.round(left + column * width);
    const gap = width > 12 ? 1 : 0;
    ctx.fillStyle = run.tint;
    ctx.fillRect(x, run.begin % bins * row,
      Math.max(1, Math.round(left + (column + 1) * width) - x - gap),
      (run.end - run.begin) * row);
  }

  label_rows(ctx) {
    const { left, height } = this.place;
    ctx.font = "11px " + Chart.defaults.font.family;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillStyle = colour("muted");
    let next = 0;
    for (const [y, text] of this.row_labels()) {
      ctx.fillRect(left - 6, Math.round(y), 6, 1);
      if (y < next) continue;
      ctx.fillText(this.cut(ctx, text, left - 10), left - 8,
        Math.max(6, Math.min(y, height - 6)));
      next = y + 13;
    }
    ctx.textBaseline = "top";
  }

  /* [y, text] of addresses at round distances, where they lie; where memory
     does not go on, of what follows. */
  row_labels() {
    const { row } = this.place;
    let step = 1n;
    while (Number(step) * row < 40) step *= 2n;
    step *= BigInt(this.data.unit);
    const out = [];
    this.data.bins.forEach((bin, index) => {
      const before = this.data.bins[index - 1];
      const { known, start } = this.extent(bin);
      if (!before || !this.goes_on(before, bin)) {
        out.push([index * row, known ? this.short_address(start)
          : this.data.names[bin[0]]]);
        return;
      }
      const round = start / step * step;
      if (this.extent(before).start >= round) return;
      const back = Number(start - round) / before[3];
      out.push([(index - back) * row,
        (known ? "" : "+") + this.short_address(round)]);
    });
    return out;
  }

  /* For the guest; where that is not known, in its block. */
  extent(bin) {
    const known = bin[2] !== null;
    return { known, start: BigInt(known ? bin[2] : bin[1]) };
  }

  goes_on(a, b) {
    const [before, after] = [this.extent(a), this.extent(b)];
    return before.known === after.known &&
      (after.known || a[0] === b[0]) &&
      before.start + BigInt(a[3]) === after.start;
  }

  short_address(address) {
    const value = Number(address);
    return value === 0 ? "0" : value % (1 << 20) ? "0x" + address.toString(16)
      : bytes(value);
  }

  cut(ctx, text, width) {
    while (text.length > 3 && ctx.measureText(text).width > width)
      text = text.slice(0, -2).trimEnd() + "…";
    return text;
  }

  label_columns(ctx) {
    const { left, height, column } = this.place;
    ctx.textAlign = "center";
    ctx.fillStyle = colour("muted");
    const last = this.data.columns.length - 1;
    let next = 0;
    this.data.columns.forEach((rounds, index) => {
      const x = left + (index + 0.5) * column;
      if (x < next || (index < last && x + 40 > left + (last + 0.5) * column &&
          this.data.columns[last][2] && column < 40)) return;
      ctx.fillText(this.column_name(rounds), x, height + 5);
      next = x + 34;
    });
    if (this.data.columns[0][0])
      ctx.fillText("round", left + (last + 1) * column / 2, height + 20);
  }

  column_name([first, last, pause]) {
    if (pause) return "pause";
    if (!first) return "whole migration";
    return first === last ? `${first}` : `${first}-${last}`;
  }

  frame(ctx) {
    const { row, left, column } = this.place;
    ctx.strokeStyle = colour("bad");
    ctx.lineWidth = 2;
    ctx.strokeRect(left + this.at[0] * column, this.at[1] * row - 1, column,
      Math.max(row, 3) + 1);
  }

  describe([column, bin]) {
    const [first, last, pause] = this.data.columns[column];
    const [block, offset, guest, size, owners] = this.data.bins[bin];
    const [pages, again] =
      this.cells.get(column * this.data.bins.length + bin) || [0, 0];
    const title = !first ? "whole migration" :
      (first === last ? `round ${first}` : `rounds ${first} to ${last}`) +
      (pause ? ", in the pause" : "");
    const lines = [
      `${this.data.names[block]} + ${offset}, ${bytes(size)}`,
      guest === null ? "guest address not known" : `guest address ${guest}`,
      (pages ? counted(pages, "page") : "nothing") + " sent" +
        this.of_them(pages, again),
    ];
    if (first)
      lines.push(counted(this.totals[bin][0], "send") + " in the whole " +
        "migration" + this.of_them(...this.totals[bin]));
    for (let i = 0; i < owners.length; i += 3)
      lines.push(`${this.data.names[owners[i]]}: ` +
        `${counted(owners[i + 1], "page")}, sent again ` +
        counted(owners[i + 2], "time"));
    return { title, lines };
  }

  of_them(count, again) {
    if (!again) return "";
    if (count === 1) return ", again";
    return `, ${again === count ? "all" : again} of them again`;
  }

  show(at, x, y) {
    this.at = at;
    this.draw();
    const { title, lines } = this.describe(at);
    tooltip.show(x, y, title, lines);
    this.readout.textContent = `${title}: ${lines.join("; ")}`;
  }

  hover(event) {
    const box = this.canvas.getBoundingClientRect();
    const { row, left, column, height } = this.place;
    const x = event.clientX - box.left - left, y = event.clientY - box.top;
    if (x < 0 || y < 0 || y >= height) return this.leave();
    const at = [Math.min(Math.floor(x / column), this.data.columns.length - 1),
      Math.min(Math.floor(y / row), this.data.bins.length - 1)];
    this.show(at, event.clientX, event.clientY);
  }

  leave() {
    tooltip.hide();
    if (!this.at) return;
    this.at = null;
    this.draw();
  }

  key_down(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
      ArrowDown: [0, 1], PageUp: [0, -16], PageDown: [0, 16] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const [column, bin] = this.at || [0, 0];
    const inside = (value, count) => Math.max(0, Math.min(value, count - 1));
    const at = [inside(column + step[0], this.data.columns.length),
      inside(bin + step[1], this.data.bins.length)];
    const box = this.canvas.getBoundingClientRect();
    this.show(at, box.left + this.place.left + (at[0] + 1) * this.place.column,
      box.top + at[1] * this.place.row);
  }
}

const maps = [];

function drawHeat(root, runs) {
  maps.push(new HeatMap(root, runs[0]));
}
