// Lists by keyboard: J and K (or the arrows) move between the rows marked data-row, Enter follows the row's link.
// A row that unfolds is moved to by its own line, which Enter opens.
// A press anywhere on a row that is not itself a control opens the row, so that the whole row is a target.
"use strict";
(() => {
  const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.getClientRects().length > 0);
  const link = (row) => row.querySelector(":scope > summary") ?? row.querySelector("a.subject, a[href], button");

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || event.target.matches("input, textarea, select, summary:not([data-row] > *)")) return;
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = rows();
    const present = all.indexOf(document.activeElement.closest("[data-row]"));
    if (!all.length || (event.key.startsWith("Arrow") && present < 0)) return;
    const next = all[present < 0 ? 0 : Math.min(all.length - 1, Math.max(0, present + step))];
    event.preventDefault();
    link(next)?.focus({ preventScroll: true, focusVisible: true });
    next.scrollIntoView({ block: "nearest" });
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (!row || event.target.closest("a, button, input, label, select, summary, details")) return;
    if (window.getSelection()?.toString()) return;
    link(row)?.click();
  });
})();
