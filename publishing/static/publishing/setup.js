// Rows that are added and removed (data-rows), facilities found and picked (data-picks), and word to the preview when
// the mapping changes. Everything it does can be done without it: blank rows stand ready, and saving checks it all.
"use strict";
(() => {
  const told = (inside) => {
    if (inside.closest("[data-mapper]")) document.body.dispatchEvent(new CustomEvent("assay:mapped"));
  };

  const clear = (row) => {
    for (const field of row.querySelectorAll("input")) field.value = "";
    for (const field of row.querySelectorAll("select")) field.selectedIndex = 0;
    for (const problem of row.querySelectorAll(".field__error")) problem.remove();
    row.classList.remove("mapper__row--wrong");
  };

  document.addEventListener("click", (event) => {
    const list = event.target.closest("[data-rows]");
    if (!list) return;
    const rows = [...list.querySelectorAll("[data-rows-row]")];
    if (event.target.closest("[data-rows-add]")) {
      const row = rows.at(-1).cloneNode(true);
      clear(row);
      rows.at(-1).after(row);
      row.querySelector("input, select").focus();
    }
    const removed = event.target.closest("[data-rows-remove]")?.closest("[data-rows-row]");
    if (removed) {
      const next = rows[rows.indexOf(removed) + 1] ?? rows[rows.indexOf(removed) - 1];
      if (rows.length > 1) removed.remove();
      else clear(removed);
      (next ?? removed).querySelector("input, select").focus();
      told(list);
    }
  });

  document.addEventListener("input", (event) => told(event.target));

  document.addEventListener("change", (event) => {
    const group = event.target.closest("[data-picks]");
    if (!group || !event.target.closest("[data-found]") || !event.target.checked) return;
    const picked = group.querySelector("[data-picked]");
    const known = [...picked.querySelectorAll("input")].find((box) => box.value === event.target.value);
    if (known) known.checked = true;
    else picked.append(event.target.closest("label"));
  });

  // Problems of a form that was refused come first.
  document.querySelector(".errors[tabindex]")?.focus();
})();
