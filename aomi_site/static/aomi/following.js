// A page that waits for work in the background shows what has become of it, unless its form is being filled in.
"use strict";

const LOOK_MS = 2_000;
const GIVE_UP_MS = 10_000;
let isTouched = false;

function followed() {
  return document.querySelector("[data-follow]");
}

// What the server made is taken over as it is. Nothing is loaded again, so the place on the page stays.
async function look() {
  const answer = await fetch(window.location.href, { redirect: "manual", signal: AbortSignal.timeout(GIVE_UP_MS) });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.querySelector("[data-follow]")?.dataset.follow;
  if (isTouched || now === followed().dataset.follow) return;
  const content = document.getElementById("content");
  content.replaceChildren(...page.getElementById("content").childNodes);
  content.dispatchEvent(new CustomEvent("aomi:added", { bubbles: true })); // frame.js writes the times
}

async function goOn() {
  if (isTouched || !followed()) return;
  try {
    if (!document.hidden) await look();
  } catch {
    // The server may answer next time.
  }
  window.setTimeout(goOn, LOOK_MS);
}

if (followed()) {
  document.addEventListener("input", () => (isTouched = true));
  window.setTimeout(goOn, LOOK_MS);
}
