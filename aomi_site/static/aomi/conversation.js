// A running conversation: the reply as it is written, the running tools, and the new messages when a turn ends.
"use strict";

const live = document.getElementById("live");

function show(isRunning) {
  live.hidden = !isRunning;
  if (!isRunning) {
    live.querySelector("[data-live-text]").textContent = "";
    live.querySelector(".aomi-live-tools").replaceChildren();
  }
}

// The server's HTML is used unchanged, so escaping, Markdown and permissions are the same.
async function refresh() {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live-part]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || fresh.dataset.livePart === part.dataset.livePart) continue; // the session's version: nothing changed
    const open = [...part.querySelectorAll("[id] > details[open]")].map((details) => details.parentElement.id);
    part.replaceChildren(...fresh.childNodes);
    part.dataset.livePart = fresh.dataset.livePart;
    for (const id of open) document.getElementById(id)?.querySelector("details")?.setAttribute("open", "");
    part.dispatchEvent(new CustomEvent("aomi:added", { bubbles: true }));
  }
}

// As is_tool_error in apps_registry/tools/base.py.
function hasFailed(result) {
  if (!result.startsWith('{"error":')) return false;
  const data = JSON.parse(result);
  return Object.keys(data).length === 1 && data.error !== null;
}

function toolLine(event, words) {
  const tools = live.querySelector(".aomi-live-tools");
  let line = [...tools.children].find((each) => each.dataset.call === event.call_id);
  if (!line) {
    line = document.createElement("li");
    line.dataset.call = event.call_id;
    tools.append(line);
  }
  line.textContent = `${event.tool_name}: ${words}`;
  line.classList.toggle("is-bad", words === "failed");
}

const handlers = {
  async state(event) {
    await refresh(); // shows what happened between the page and the stream
    show(event.status === "processing");
    live.querySelector("[data-live-text]").textContent = event.text;
    live.dataset.message = event.message_id ?? "";
  },
  message_delta(event) {
    const text = live.querySelector("[data-live-text]");
    show(true);
    if (live.dataset.message !== event.message_id) text.textContent = ""; // the next message of the turn
    live.dataset.message = event.message_id;
    // The offset counts characters, not JavaScript's UTF-16 code units.
    text.textContent = [...text.textContent].slice(0, event.offset).join("") + event.delta;
  },
  tool_update(event) {
    show(true);
    toolLine(event, "running");
  },
  tool_complete(event) {
    toolLine(event, hasFailed(event.result) ? "failed" : "answered");
  },
  async status_changed(event) {
    const isRunning = event.status === "processing";
    await refresh();
    show(isRunning);
  },
  async title_changed() {
    await refresh();
  },
};

if (live) {
  const stream = new EventSource(live.dataset.url);
  let queue = Promise.resolve(); // handles events one after the other, because a refresh takes time
  stream.addEventListener("message", (message) => {
    const event = JSON.parse(message.data);
    if (event.type in handlers) queue = queue.then(() => handlers[event.type](event)).catch(() => {});
  });
  window.addEventListener("pagehide", () => stream.close());
}
