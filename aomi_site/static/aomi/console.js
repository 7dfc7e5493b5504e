// Copy buttons, and the new key's one appearance: it leaves the page when the page is left.
"use strict";

function textOf(element) {
  return "value" in element ? element.value : element.textContent;
}

// The clipboard API exists on https and loopback only; selecting and "copy" work everywhere else.
async function copy(element) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(textOf(element));
      return true;
    } catch {
      // Refused by the browser's settings: try the other way.
    }
  }
  if ("select" in element) {
    element.select();
  } else {
    window.getSelection().selectAllChildren(element);
  }
  return document.execCommand("copy");
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const done = await copy(document.getElementById(button.dataset.copy));
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    window.setTimeout(() => (button.textContent = label), 2000);
  });
}

// A browser may keep a page that was left in memory, and show it again on "back" or "forward".
window.addEventListener("pagehide", () => {
  document.querySelectorAll("[data-secret]").forEach((element) => element.remove());
});
