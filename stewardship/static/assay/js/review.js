// Review of a group: the row in hand (V and arrows), its values by key (C cycles, T types), letters of other records.
"use strict";
(() => {
  let current = "";

  const body = () => document.getElementById("grid-body");
  const rows = () => [...(body()?.querySelectorAll("tr[data-value-row]") ?? [])].filter((row) => row.getClientRects().length);
  const row = () => rows().find((one) => one.dataset.valueRow === current);
  const radios = (one) => [...one.querySelectorAll("td:not(.compare__golden) input[type=radio]")];

  const mark = () => {
    for (const one of rows()) one.classList.toggle("compare__row--current", one.dataset.valueRow === current);
  };

  const take = (one, { focus = true } = {}) => {
    if (!one) return;
    current = one.dataset.valueRow;
    mark();
    one.scrollIntoView({ block: "nearest" });
    const field = radios(one).find((radio) => radio.checked) ?? radios(one)[0] ?? one.querySelector("input, summary");
    if (focus) field?.focus({ preventScroll: true });
  };

  const step = (by) => {
    const all = rows();
    const present = all.findIndex((one) => one.dataset.valueRow === current);
    take(all[present < 0 ? 0 : (present + by + all.length) % all.length]);
  };

  const value = (radio) => radio.closest("td").querySelector(".compare__choice span")?.textContent.trim().toLowerCase();

  // The values of a row, each once; after the last one the rule decides again.
  const cycle = () => {
    if (!row()) step(1);
    const all = row() ? radios(row()) : [];
    const each = all.filter((radio, index) => all.findIndex((other) => value(other) === value(radio)) === index);
    const golden = row()?.querySelector(".compare__cell--survives input[type=radio]");
    const taken = all.find((radio) => radio.checked);
    const present = each.findIndex((radio) => value(radio) === value(taken ?? golden ?? radio));
    if (taken && present === each.length - 1) {
      const rule = row().querySelector("[data-rule]");
      if (rule) rule.click();
      return;
    }
    const next = each[taken || golden ? (present + 1) % each.length : 0];
    next?.focus({ preventScroll: true });
    next?.click();
  };

  const type = () => {
    if (!row()) step(1);
    const details = row()?.querySelector(".review-type, .review-union");
    if (!details) return;
    details.open = true;
    const field = details.querySelector("input:not([type=hidden])");
    field?.focus();
    if (field?.type === "text") field.select();
  };

  const ACTS = { next: () => step(1), cycle, type };

  document.addEventListener("click", (event) => {
    const act = event.target.closest("[data-review-act]");
    if (act) ACTS[act.dataset.reviewAct]();
  });

  document.addEventListener("focusin", (event) => {
    const one = event.target.closest("tr[data-value-row]");
    if (one && one.dataset.valueRow !== current) {
      current = one.dataset.valueRow;
      mark();
    }
  });

  // Up and down go from row to row; left and right are the radio buttons' own.
  document.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const field = event.target;
    if (by && field.matches("#grid-body input[type=radio], #grid-body summary")) {
      event.preventDefault();
      step(by);
    } else if (event.key === "Enter" && field.matches(".review-type input")) {
      event.preventDefault();
      field.blur(); // the browser says "change" by itself, once
    } else if (event.key === "Enter" && field.matches(".review-add input")) {
      event.preventDefault();
      document.querySelector("[data-review-add]").click();
    }
  });

  // A value taken puts the typed one away; a letter takes the member out of the first record.
  document.addEventListener(
    "change",
    (event) => {
      const field = event.target;
      if (field.matches("input[type=radio][name^=take-]")) {
        const typed = document.getElementById(`type-${field.name.slice(5)}`);
        if (typed) typed.value = "";
      } else if (field.matches(".review-type input")) {
        for (const radio of document.querySelectorAll(`input[type=radio][name="take-${field.name.slice(5)}"]`)) radio.checked = false;
      } else if (field.matches(".review-letter")) {
        const tick = document.getElementById(field.id.replace("group-", "tick-"));
        if (tick && field.value) tick.checked = false;
      } else if (field.matches("input[type=checkbox][name=records]") && field.checked) {
        const letter = document.getElementById(field.id.replace("tick-", "group-"));
        if (letter) letter.value = "";
      }
    },
    true,
  );

  document.addEventListener("htmx:afterSettle", mark);
})();
