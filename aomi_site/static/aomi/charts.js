// Charts: shows the numbers of a point at the pointer or finger, or by the arrow keys while the chart has the focus.
// The texts are the server's tooltips (apps_registry/admin/charts.py), which browsers show if this script does not run.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const GAP = 8; // pixels between a point and its numbers
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -Infinity, End: Infinity };

function cell(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

// The first line names the point; each other line, such as "Turns: 12", becomes a row of two cells.
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
    this.index = null;
    this.holder = document.createElementNS(SVG, "foreignObject");
    for (const [name, value] of [["class", "aomi-tip-holder"], ["y", "0"], ["width", "100%"], ["height", "100%"]]) {
      this.holder.setAttribute(name, value);
    }
  }

  listen() {
    // The browser would show its tooltips in addition.
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
    plot.addEventListener("focus", () => plot.matches(":focus-visible") && this.show(this.index ?? this.columns.length - 1));
    plot.addEventListener("blur", () => this.hide());
  }

  follow(event) {
    const { left, width } = this.area.getBoundingClientRect();
    this.show(Math.floor(((event.clientX - left) / width) * this.columns.length));
  }

  key(event) {
    if (event.key === "Escape") this.hide();
    if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); // otherwise the page would scroll
    this.show((this.index ?? this.columns.length) + STEPS[event.key]);
  }

  // Screen readers announce a value that changes.
  tell(index) {
    this.plot.setAttribute("aria-valuenow", String(index + 1));
    this.plot.setAttribute("aria-valuetext", this.lines[index].join(", "));
  }

  show(requested) {
    const index = Math.min(Math.max(requested, 0), this.columns.length - 1);
    if (index === this.index) return;
    this.hide();
    this.index = index;
    this.columns[index].classList.add("is-here");
    this.holder.replaceChildren(tipOf(this.lines[index]));
    this.area.append(this.holder);
    this.tell(index);
    this.put(index);
  }

  // The tip is inside the chart, on the side of the point that has room for it.
  put(index) {
    const width = this.area.clientWidth || this.area.getBoundingClientRect().width;
    const tip = this.holder.firstChild.offsetWidth;
    const column = width / this.columns.length;
    const after = (index + 1) * column + GAP;
    const before = index * column - GAP - tip;
    const x = after + tip <= width ? after : Math.max(before, 0);
    this.holder.setAttribute("x", String(Math.min(x, Math.max(width - tip, 0))));
  }

  hide() {
    if (this.index === null) return;
    this.columns[this.index].classList.remove("is-here");
    this.holder.remove();
    this.index = null;
  }
}

const listening = new WeakSet();

function listenIn(root) {
  for (const plot of root.querySelectorAll(".aomi-plot")) {
    if (listening.has(plot) || !plot.querySelector(".aomi-hover")) continue;
    listening.add(plot);
    new Chart(plot).listen();
  }
}

listenIn(document);
document.addEventListener("aomi:added", (event) => listenIn(event.target));
