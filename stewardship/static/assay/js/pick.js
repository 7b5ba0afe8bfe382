// Lists whose rows are ticked: X ticks the row in focus, Shift ticks everything up to the last tick, the box in the
// head ticks the page. "All of this filter" stands for rows on other pages too. The count is said as it changes.
"use strict";
(() => {
  const form = (inside) => inside?.closest?.("[data-pick]");
  const boxes = (list) => [...list.querySelectorAll("[data-pick-one]")];
  let last = null;

  const count = (list) => {
    const ticked = boxes(list).filter((box) => box.checked).length;
    const every = list.querySelector("[data-pick-everything]");
    const shown = list.querySelector("[data-pick-count]");
    if (shown) shown.textContent = every?.checked ? Number(list.dataset.pickTotal).toLocaleString("en") : String(ticked);
    const all = list.querySelector("[data-pick-all]");
    if (!all) return;
    all.checked = ticked > 0 && ticked === boxes(list).length;
    all.indeterminate = ticked > 0 && !all.checked;
  };

  const tick = (list, box, shift) => {
    const all = boxes(list);
    if (shift && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
      for (const between of all.slice(from, to + 1)) between.checked = box.checked;
    }
    last = box;
    count(list);
  };

  document.addEventListener("click", (event) => {
    const list = form(event.target);
    if (!list) return;
    if (event.target.matches("[data-pick-one]")) tick(list, event.target, event.shiftKey);
    if (event.target.matches("[data-pick-all]")) {
      for (const box of boxes(list)) box.checked = event.target.checked;
      count(list);
    }
    if (event.target.matches("[data-pick-everything]")) count(list);
    const reason = list.querySelector("[name=reason]");
    if (reason) reason.required = Boolean(event.target.closest("[data-pick-reason]"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select") || document.querySelector("dialog[open]")) return;
    const box = document.activeElement?.closest("[data-row]")?.querySelector("[data-pick-one]");
    if (!box) return;
    event.preventDefault();
    box.checked = !box.checked;
    tick(form(box), box, event.shiftKey);
  });

  // Enter in the reason must not choose one of the acts by chance.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-pick] [name=reason]")) event.preventDefault();
  });
})();
