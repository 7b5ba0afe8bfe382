// Rows of work dropped on a colleague's name: what is ticked goes there, or the dragged row alone where it is not.
"use strict";
(() => {
  const TYPE = "application/x-assay-work";

  document.addEventListener("dragstart", (event) => {
    const row = event.target.closest?.("tr[draggable=true]");
    if (!row) return;
    const box = row.querySelector("[data-pick-one]");
    if (!box) return;
    if (!box.checked) {
      for (const other of row.closest("form").querySelectorAll("[data-pick-one]:checked")) other.click();
      box.click();
    }
    const number = row.closest("form").querySelectorAll("[data-pick-one]:checked").length;
    event.dataTransfer.setData(TYPE, String(number));
    event.dataTransfer.setData("text/plain", `${number} ticked`);
    event.dataTransfer.effectAllowed = "move";
    row.classList.add("dragged");
  });

  document.addEventListener("dragend", (event) => event.target.closest?.("tr")?.classList.remove("dragged"));

  const over = (event) => {
    const target = event.target.closest?.("[data-colleague]");
    if (!target || !event.dataTransfer.types.includes(TYPE)) return null;
    event.preventDefault();
    return target;
  };

  document.addEventListener("dragover", (event) => over(event)?.classList.add("colleague--over"));
  document.addEventListener("dragleave", (event) => {
    event.target.closest?.("[data-colleague]")?.classList.remove("colleague--over");
  });
  document.addEventListener("drop", (event) => {
    const target = over(event);
    target?.classList.remove("colleague--over");
    target?.click();
  });
})();
