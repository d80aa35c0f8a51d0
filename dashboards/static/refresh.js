// Keeps a page's figures fresh without losing the reader's place. Pages work without it.
"use strict";

const EVERY_MS = 2000;
const main = document.querySelector("main[data-refresh]");
const stale = document.getElementById("stale");

// A reader who has selected text, or looks at another tab, is left alone.
function reading() {
  return document.hidden || document.getSelection()?.type === "Range";
}

// What would be lost with the old elements: focus, and how far a wide table was scrolled.
function place() {
  const all = [...main.querySelectorAll("a, [tabindex]")];
  const scrolled = [...main.querySelectorAll(".scroll")].map((it) => it.scrollLeft);
  return { focus: all.indexOf(document.activeElement), scrolled };
}

function restore({ focus, scrolled }) {
  main.querySelectorAll(".scroll").forEach((it, at) => (it.scrollLeft = scrolled[at] ?? 0));
  if (focus >= 0) {
    main.querySelectorAll("a, [tabindex]")[focus]?.focus({ preventScroll: true });
  }
}

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (!fresh) throw new Error("not a page of Banyan");
  if (fresh.innerHTML !== main.innerHTML && !reading()) {
    const before = place();
    main.replaceChildren(...fresh.childNodes);
    restore(before);
    document.title = page.title;
  }
}

// The next request waits for the last: a slow store is not asked twice at once.
async function run() {
  let since = null;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (reading()) continue;
    try {
      await refresh();
      since = null;
      stale.textContent = "";
    } catch {
      since ??= new Date().toLocaleTimeString();
      stale.textContent = `Banyan does not answer. These are the figures of ${since}.`;
    }
  }
}

if (main) run();
