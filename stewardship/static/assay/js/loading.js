// The thin bar at the top while htmx waits for the server, shown only when it takes long enough to be noticed.
"use strict";
(() => {
  const DELAY = 150;
  let waiting = 0;
  let timer = 0;
  const bar = () => document.getElementById("loading");

  document.addEventListener("htmx:beforeRequest", () => {
    waiting += 1;
    clearTimeout(timer);
    timer = setTimeout(() => bar()?.classList.add("loading--on"), DELAY);
  });
  document.addEventListener("htmx:afterRequest", () => {
    waiting = Math.max(0, waiting - 1);
    if (waiting) return;
    clearTimeout(timer);
    bar()?.classList.remove("loading--on");
  });
})();
