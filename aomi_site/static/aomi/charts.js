// Charts: the numbers of a point at the pointer, under a finger, and by the arrow keys on a chart that has the focus.
// The texts are those that the server wrote for hovering (apps_registry/admin/charts.py); without this script they are tooltips.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const GAP = 8; // pixels between a point and its numbers
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -Infinity, End: Infinity };

function cell(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

// "Turns: 12" is a row of two cells; the first line says which point it is.
function tipOf(lines) {
  const tip = document.createElement("div");
  tip.className = "aomi-tip";
  const list = document.createElement("dl");
  for (const line of lines.slice(1)) {
    const end = line.lastIndexOf(": ");
    const row = document.createElement("div");
    const name = cell("bdi", line.slice(0, end));
    const term = document.createElement("dt");
    term.append(name);
    row.append(term, cell("dd", line.slice(end + 2)));
    list.append(row);
  }
  tip.append(cell("b", lines[0]), list);
  return tip;
}

class Chart {
  constructor(plot) {
    this.plot = plot;
    this.area = plot.querySelector(".aomi-area");
    this.columns = [...this.area.querySelectorAll(".aomi-hover")];
    this.lines = this.columns.map((column) => column.querySelector("title").textContent.split("\n"));
    this.place = null;
    this.holder = document.createElementNS(SVG, "foreignObject");
    for (const [name, value] of [["class", "aomi-tip-holder"], ["y", "0"], ["width", "100%"], ["height", "100%"]]) {
      this.holder.setAttribute(name, value);
    }
  }

  listen() {
    // The browser's tooltips would come on top of ours.
    for (const column of this.columns) column.querySelector("title").remove();
    const { plot, area } = this;
    plot.tabIndex = 0;
    plot.setAttribute("role", "slider");
    plot.setAttribute("aria-label", area.getAttribute("aria-label"));
    plot.setAttribute("aria-valuemin", "1");
    plot.setAttribute("aria-valuemax", String(this.columns.length));
    this.tell(this.columns.length - 1);
    area.addEventListener("pointermove", (event) => this.follow(event));
    area.addEventListener("pointerdown", (event) => this.follow(event));
    area.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.hide());
    document.addEventListener("pointerdown", (event) => area.contains(event.target) || this.hide());
    plot.addEventListener("keydown", (event) => this.key(event));
    plot.addEventListener("focus", () => plot.matches(":focus-visible") && this.show(this.place ?? this.columns.length - 1));
    plot.addEventListener("blur", () => this.hide());
  }

  follow(event) {
    const { left, width } = this.area.getBoundingClientRect();
    this.show(Math.floor(((event.clientX - left) / width) * this.columns.length));
  }

  key(event) {
    if (event.key === "Escape") this.hide();
    if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); // the page would scroll
    this.show((this.place ?? this.columns.length) + STEPS[event.key]);
  }

  // For screen readers, which announce a value that changes.
  tell(place) {
    this.plot.setAttribute("aria-valuenow", String(place + 1));
    this.plot.setAttribute("aria-valuetext", this.lines[place].join(", "));
  }

  show(wanted) {
    const place = Math.min(Math.max(wanted, 0), this.columns.length - 1);
    if (place === this.place) return;
    this.hide();
    this.place = place;
    this.columns[place].classList.add("is-here");
    this.holder.replaceChildren(tipOf(this.lines[place]));
    this.area.append(this.holder);
    this.tell(place);
    this.put(place);
  }

  // On the side of the point that has room for it, inside of the chart.
  put(place) {
    const width = this.area.clientWidth || this.area.getBoundingClientRect().width;
    const tip = this.holder.firstChild.offsetWidth;
    const column = width / this.columns.length;
    const after = (place + 1) * column + GAP;
    const before = place * column - GAP - tip;
    const x = after + tip <= width ? after : Math.max(before, 0);
    this.holder.setAttribute("x", String(Math.min(x, Math.max(width - tip, 0))));
  }

  hide() {
    if (this.place === null) return;
    this.columns[this.place].classList.remove("is-here");
    this.holder.remove();
    this.place = null;
  }
}

for (const plot of document.querySelectorAll(".aomi-plot")) {
  if (plot.querySelector(".aomi-hover")) new Chart(plot).listen();
}
