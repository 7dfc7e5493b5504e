// Copy buttons, the current tab, rows that are added to a table, and new keys, which are removed when the operator leaves the page.
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

// Tabs that do not fit scroll sideways: the current one must be visible.
document.querySelector(".aomi-tabs [aria-current]")?.scrollIntoView({block: "nearest", inline: "center"});

// A browser may keep a page in memory and show it again on "back" or "forward".
window.addEventListener("pagehide", () => {
  document.querySelectorAll("[data-secret]").forEach((element) => element.remove());
});

// A new row is an emptied copy of the last one, with the next number.
for (const button of document.querySelectorAll("[data-add-row]")) {
  const body = document.querySelector(`[data-rows="${button.dataset.addRow}"]`);
  button.addEventListener("click", () => {
    const row = body.rows[body.rows.length - 1].cloneNode(true);
    for (const field of row.querySelectorAll("input, select")) {
      field.name = field.name.replace(/-\d+-/, `-${body.rows.length}-`);
      if (field.type === "checkbox") {
        field.checked = true; // "Required", as most are
      } else if (field.tagName === "SELECT") {
        field.selectedIndex = 0;
      } else {
        field.value = "";
      }
    }
    body.append(row);
    row.querySelector("input").focus();
  });
}
