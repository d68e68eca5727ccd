"use strict";
// An order that is on its way: when it changes, the part of the page that shows it is asked for again. Without this script
// the page loads itself again every few seconds.
const shown = document.querySelector("[data-updates]");
if (shown) {
  const changes = new EventSource(shown.dataset.updates);
  changes.addEventListener("message", async () => {
    const answer = await fetch(window.location.href);
    if (!answer.ok) {
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(shown.id);
    if (!fresh) {
      return;
    }
    shown.replaceChildren(...fresh.childNodes);
    if (!fresh.dataset.updates) {
      changes.close();
    }
  });
}
