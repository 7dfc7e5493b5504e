// The usage page: a changed control applies at once, without a new page, so the focus and the scroll position stay.
// Without this script, the button "Show" applies the controls.

const TYPING_MS = 600; // a typed date changes with every key

const controls = document.querySelector("[data-usage-controls]");
const results = document.querySelector("[data-usage-results]");
const announcement = document.querySelector("[data-usage-announcement]");
let timer = 0;
let request = new AbortController();
let pending = ""; // the URL that is being loaded

// The page's URL for the controls. A date takes the place of a range.
function chosenUrl() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(controls)) if (value.trim()) query.set(name, value.trim());
  if (query.has("from") || query.has("to")) query.delete("range");
  return `?${query}`;
}

// Existing links and fields are changed and not replaced, so that the one with the focus keeps it.
function takeControls(fresh) {
  const links = [...controls.querySelectorAll(".aomi-segments a")];
  const freshLinks = [...fresh.querySelectorAll(".aomi-segments a")];
  if (freshLinks.length === links.length) { // a page with a mistake in its URL has no links
    links.forEach((link, index) => {
      link.setAttribute("href", freshLinks[index].getAttribute("href"));
      link.toggleAttribute("aria-current", freshLinks[index].hasAttribute("aria-current"));
    });
  }
  for (const field of controls.querySelectorAll("[name]:not([type=hidden])")) {
    const freshField = fresh.elements[field.name];
    if (field !== document.activeElement) field.value = freshField.value;
    field.closest(".aomi-control").className = freshField.closest(".aomi-control").className;
  }
  controls.querySelectorAll("[type=hidden]").forEach((field) => field.remove());
  controls.append(...fresh.querySelectorAll("[type=hidden]"));
}

function take(page) {
  takeControls(page.querySelector("[data-usage-controls]"));
  results.replaceChildren(...page.querySelector("[data-usage-results]").childNodes);
  results.dispatchEvent(new CustomEvent("aomi:added", { bubbles: true })); // charts.js and frame.js
  announcement.textContent = (results.querySelector("[role=alert]") ?? results.querySelector(".aomi-lead"))?.textContent ?? "";
}

async function load(url) {
  window.clearTimeout(timer);
  if (url === pending) return; // Enter in a changed field is a change, too
  pending = url;
  request.abort();
  const current = new AbortController();
  request = current;
  results.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { redirect: "manual", signal: current.signal });
    if (answer.status !== 200 && answer.status !== 400) return window.location.assign(url); // perhaps logged out
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (current.signal.aborted) return;
    take(page);
    history.pushState(null, "", url);
  } catch {
    if (!current.signal.aborted) window.location.assign(url); // the browser says what is wrong
  } finally {
    if (request === current) {
      results.removeAttribute("aria-busy");
      pending = "";
    }
  }
}

function apply() {
  if (controls.querySelector("[type=date]:invalid")) return; // a date that is not complete yet
  load(chosenUrl());
}

controls.addEventListener("change", (event) => {
  window.clearTimeout(timer);
  if (event.target.type === "date") timer = window.setTimeout(apply, TYPING_MS);
  else apply();
});
controls.addEventListener("submit", (event) => {
  event.preventDefault(); // Enter in a field
  apply();
});
controls.addEventListener("click", (event) => {
  const link = event.target.closest(".aomi-segments a");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  load(link.getAttribute("href"));
});
window.addEventListener("popstate", () => window.location.reload());
controls.querySelector("[data-show]").hidden = true;
