// The frame: relative times, the search box (Ctrl-K), menus that close, and lists by keyboard.
"use strict";

// --- Times: relative, with the exact one on hover, in the time zone of the browser ---

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
const sentence = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const relative = new Intl.RelativeTimeFormat("en", { style: "short", numeric: "always" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const DAYS_RELATIVE = 14;

function inWords(time) {
  const seconds = Math.round((time - Date.now()) / 1000);
  if (Math.abs(seconds) < 5) return "just now";
  if (Math.abs(seconds) > DAYS_RELATIVE * 86400) {
    const isThisYear = time.getFullYear() === new Date().getFullYear();
    return (isThisYear ? day : dayOfYear).format(time);
  }
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  return relative.format(Math.trunc(seconds / length), unit).replace(".", "");
}

// A sentence names the time, such as "works until 2026-05-01 12:00 UTC", where "in 3 days" would not fit.
function isInSentence(element) {
  const after = element.nextSibling;
  if (after?.nodeType === Node.TEXT_NODE && after.data.startsWith(" UTC")) {
    after.data = after.data.slice(" UTC".length);
    element.dataset.sentence = "";
  }
  return "sentence" in element.dataset;
}

function showTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const time = new Date(element.dateTime);
    if (Number.isNaN(time.valueOf())) continue;
    element.title = exact.format(time);
    element.textContent = isInSentence(element) ? sentence.format(time) : inWords(time);
  }
}

showTimes(document);
window.setInterval(() => showTimes(document), 30_000);
document.addEventListener("aomi:added", (event) => showTimes(event.target));
for (const element of document.querySelectorAll("[data-zone]")) {
  element.textContent = `Times are in ${zone}; move the pointer over one for the exact time.`;
}
for (const element of document.querySelectorAll("[data-zone-name]")) element.textContent = ` (${zone})`;

// --- The search box ---

const box = document.getElementById("aomi-search");

function hitElement(hit, number) {
  const link = document.createElement("a");
  link.href = hit.url;
  link.id = `aomi-hit-${number}`;
  link.setAttribute("role", "option");
  link.tabIndex = -1;
  for (const text of [hit.title, hit.detail]) {
    const part = document.createElement("bdi");
    part.textContent = text;
    link.append(part);
  }
  return link;
}

function showHits(groups) {
  const list = document.getElementById("aomi-search-hits");
  let number = 0;
  list.replaceChildren(
    ...groups.map((group) => {
      const part = document.createElement("div");
      const name = document.createElement("span");
      name.textContent = group.kind;
      part.setAttribute("role", "group");
      part.setAttribute("aria-label", group.kind);
      part.append(name, ...group.hits.map((hit) => hitElement(hit, number++)));
      return part;
    }),
  );
  box.querySelector("input").setAttribute("aria-expanded", String(number > 0));
  select(0);
  return number;
}

function select(number) {
  const hits = [...box.querySelectorAll("[role=option]")];
  hits.forEach((hit, index) => hit.setAttribute("aria-selected", String(index === number)));
  if (hits[number]) {
    hits[number].scrollIntoView({ block: "nearest" });
    box.querySelector("input").setAttribute("aria-activedescendant", hits[number].id);
  }
}

function openSearch() {
  if (box.open) return;
  box.showModal();
  box.querySelector("input").select();
  find();
}

let searches = 0;
let shownFor; // the text whose hits are shown
async function find() {
  const number = ++searches;
  const input = box.querySelector("input");
  const text = input.value;
  const state = box.querySelector(".aomi-search-state");
  try {
    const url = `${input.form.action}?${new URLSearchParams({ q: text })}`;
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (number !== searches) return; // a later search has started in the meantime
    if (!answer.ok) throw new Error(answer.statusText);
    const total = showHits((await answer.json()).groups);
    shownFor = text;
    state.textContent = total ? "↑ ↓ to choose, Enter to open, Esc to close" : "Nothing was found.";
  } catch {
    if (number === searches) state.textContent = "The search failed. Log in again, or try again later.";
  }
}

async function findAndOpen() {
  await find();
  if (shownFor === box.querySelector("input").value) box.querySelector("[role=option]")?.click();
}

if (box) {
  const input = box.querySelector("input");
  let timer;
  input.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(find, 150);
  });
  input.addEventListener("keydown", (event) => {
    const hits = [...box.querySelectorAll("[role=option]")];
    const at = hits.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      select((at + (event.key === "ArrowDown" ? 1 : -1) + hits.length) % Math.max(hits.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      window.clearTimeout(timer); // its results would replace those of this search
      if (shownFor === input.value) hits[at]?.click();
      else findAndOpen(); // the shown hits are still those of an earlier text
    }
  });
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close(); // the backdrop
  });
  for (const link of document.querySelectorAll("[data-search]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      openSearch();
    });
  }
}

// --- Menus and filters close when the focus or a click goes elsewhere ---

const menus = document.querySelectorAll(".aomi-menu, .aomi-filter");
document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus) {
    if (menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

// --- Keys: Ctrl-K searches; "/" goes to a list's own search; j and k move along its rows ---

function isWriting(element) {
  return element.closest("input, textarea, select, [contenteditable]") !== null;
}

function move(step) {
  const links = [...document.querySelectorAll("#result_list tbody tr")].map((row) => row.querySelector("th a, td a")).filter(Boolean);
  const row = document.activeElement.closest("#result_list tbody tr");
  const at = row ? links.findIndex((link) => row.contains(link)) : step > 0 ? -1 : links.length;
  const next = links[Math.min(Math.max(at + step, 0), links.length - 1)];
  if (next) next.focus();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && box) {
    event.preventDefault();
    openSearch();
  } else if (!event.ctrlKey && !event.metaKey && !event.altKey && !isWriting(event.target)) {
    const search = document.getElementById("searchbar");
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
  }
});

// --- Django's widget for several choices: the elements that its script creates have no role ---

window.addEventListener("load", () => {
  for (const element of document.querySelectorAll(".search-label-icon[aria-label]")) element.setAttribute("role", "img");
});

// --- Elements that scroll must be reachable by keyboard ---

const scrolling = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    target.toggleAttribute("tabindex", scrolls);
    if (scrolls) target.tabIndex = 0;
  }
});
for (const element of document.querySelectorAll(".aomi-scroll, .results, .inline-group")) scrolling.observe(element);
