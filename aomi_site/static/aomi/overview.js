// Refreshes the overview every few seconds while its tab is visible; focus, selection and scroll position do not change.
"use strict";

const REFRESH_MS = 5_000;
const AFTER_FAILURE_MS = 15_000;
const GIVE_UP_MS = 10_000;

const live = document.querySelector("[data-live]");
const liveState = document.querySelector("[data-live-state]");
// Attributes that scripts or the reader set, which the server's HTML does not have.
const OURS = new Set(["open", "tabindex"]);

function sameThing(old, fresh) {
  return old.nodeName === fresh.nodeName && (old.dataset?.key ?? "") === (fresh.dataset?.key ?? "");
}

function takeAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !OURS.has(name)) old.removeAttribute(name);
}

// Existing nodes are changed and never moved, so they keep the focus, the selection and the scroll position.
function take(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeName === "TIME" && old.dateTime === fresh.dateTime) return; // frame.js has replaced its text
  takeAttributes(old, fresh);
  takeChildren(old, fresh);
}

function takeChildren(parent, fresh) {
  let at = parent.firstChild;
  for (const node of [...fresh.childNodes]) {
    let match = at;
    while (match && !sameThing(match, node)) match = match.nextSibling;
    if (!match) {
      parent.insertBefore(node, at);
      continue;
    }
    while (at !== match) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
    take(match, node);
    at = match.nextSibling;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function say(words) {
  liveState.textContent = words;
  liveState.hidden = words === "";
}

// An item that has moved is a new node, which then gets the focus.
function keepFocus(change) {
  const focused = document.activeElement;
  const key = live.contains(focused) && focused.closest("[data-key]")?.dataset.key;
  change();
  if (key && !focused.isConnected) {
    live.querySelector(`[data-key="${CSS.escape(key)}"] a`)?.focus({ preventScroll: true });
  }
}

async function refresh() {
  const answer = await fetch(live.dataset.live, { redirect: "manual", signal: AbortSignal.timeout(GIVE_UP_MS) });
  if (answer.type === "opaqueredirect" || answer.status === 403) return false; // the admin redirects to the login page
  if (!answer.ok) throw new Error(answer.statusText);
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  keepFocus(() => takeChildren(live, fresh.content));
  live.dispatchEvent(new CustomEvent("aomi:added", { bubbles: true })); // frame.js writes the times
  return true;
}

let timer = 0;
let refreshedAt = new Date();

async function goOn() {
  window.clearTimeout(timer);
  if (document.hidden) return; // it continues when the tab is visible again
  let pause = REFRESH_MS;
  try {
    if (!(await refresh())) return say("You are no longer logged in: load the page again.");
    refreshedAt = new Date();
    say("");
  } catch {
    pause = AFTER_FAILURE_MS;
    say(`As of ${refreshedAt.toLocaleTimeString()}: the server has not answered since then.`);
  }
  window.clearTimeout(timer);
  timer = window.setTimeout(goOn, pause);
}

if (live) {
  timer = window.setTimeout(goOn, REFRESH_MS);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) window.clearTimeout(timer);
    else goOn();
  });
}
