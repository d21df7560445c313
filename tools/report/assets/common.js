"use strict";
/* What all charts use. Texts get into the page as text only. */

function make(tag, attributes, ...children) {
  const out = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined) continue;
    out.setAttribute(name, value);
  }
  out.append(...children.filter((child) => child !== null));
  return out;
}

function colour(name) {
  return getComputedStyle(document.documentElement)
    .getPropertyValue("--" + name).trim();
}

function figures(value, digits) {
  return value.toFixed(digits);
}

/* Milliseconds with as many digits as tell something. */
function ms(value) {
  const size = Math.abs(value);
  if (size >= 9999.5) return figures(value / 1000, 2) + " s";
  return figures(value, size < 10 ? 3 : size < 100 ? 2 : 1) + " ms";
}

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit + 1 < units.length; ++unit) value /= 1024;
  return (Number.isInteger(value) ? value : figures(value, 1)) + " " +
    units[unit];
}

/* "1 page", "2 pages". */
function counted(count, one) {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

/* About `count` round numbers from 0 to `end`. */
function ticks(end, count) {
  if (!(end > 0)) return [0];
  const rough = end / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((s) => s >= rough);
  const out = [];
  for (let i = 0; i * step <= end * 1.0001; ++i) out.push(i * step);
  return out;
}

/* What the reader has chosen: kept when all is drawn again. */
const kept = { again: null, rounds: 0 };

const tooltip = {
  box: null,
  show(x, y, title, lines) {
    this.hide();
    this.box = make("div", { class: "tooltip", role: "tooltip" },
      make("b", {}, title), ...lines.map((line) => make("span", {}, line)));
    document.body.append(this.box);
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const left = Math.min(x + 14, window.innerWidth - width - 6);
    const below = y + 14 + height < window.innerHeight;
    this.box.style.left = Math.max(6, left) + "px";
    this.box.style.top = Math.max(6, below ? y + 14 : y - height - 10) + "px";
  },
  hide() {
    if (this.box) this.box.remove();
    this.box = null;
  },
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tooltip.hide();
});
/* What it is about moves away under it. */
for (const type of ["wheel", "touchmove"])
  document.addEventListener(type, () => tooltip.hide(), { passive: true });

/* A tooltip for an element, by pointer and by keyboard. */
function explain(element, title, lines) {
  const show = (event) => {
    const box = element.getBoundingClientRect();
    const byPointer = event.type !== "focus";
    tooltip.show(byPointer ? event.clientX : box.left,
      byPointer ? event.clientY : box.bottom, title, lines);
  };
  element.addEventListener("pointermove", show);
  element.addEventListener("focus", show);
  element.addEventListener("pointerleave", () => tooltip.hide());
  element.addEventListener("blur", () => tooltip.hide());
}

/* Buttons of which one is pressed; `choose` gets its index. */
function choices(label, names, chosen, choose) {
  const out = make("div", { class: "controls", role: "group",
    "aria-label": label });
  names.forEach((name, index) => {
    const button = make("button", { type: "button",
      "aria-pressed": String(index === chosen) }, name);
    button.addEventListener("click", () => {
      for (const other of out.children)
        other.setAttribute("aria-pressed", String(other === button));
      choose(index);
    });
    out.append(button);
  });
  return out;
}
