// Editing values where they stand: a press on a value (or its pencil, or E) puts its field there, Escape puts it back.
// What is typed is kept in this browser until it is proposed or discarded, so that neither an expired session, nor a closed
// tab, nor somebody else's change loses it. Without scripts the pencil leads to the whole form.
"use strict";
(() => {
  const sent = document.querySelector("[data-draft-sent]");
  if (sent) sent.addEventListener("submit", () => sessionStorage.setItem("assay-sent", sent.dataset.draftSent));
  const done = sessionStorage.getItem("assay-sent");
  if (done && !sent && !document.querySelector("[aria-invalid=true], .errors") && location.pathname.startsWith("/requests/")) {
    localStorage.removeItem(`assay-edit:${done}`);
    sessionStorage.removeItem("assay-sent");
  }

  const form = document.querySelector("form[data-edit]");
  const bar = document.querySelector("[data-edit-bar]");
  if (!form || !bar) return;
  const place = `assay-edit:${form.dataset.edit}`;
  const rows = () => [...form.querySelectorAll("[data-edit-row]")];
  const rowOf = (name) => rows().find((row) => row.dataset.editRow === name);
  const fieldOf = (row) => row.querySelector(".edit__line input, .edit__line select, .edit__line textarea");
  const open = () => rows().filter((row) => row.querySelector(".edit"));
  const first = new Map();
  let early = null; // what is typed while a field is on its way: it belongs into the field and is no shortcut

  const load = () => {
    try {
      return JSON.parse(localStorage.getItem(place)) ?? {};
    } catch {
      return {};
    }
  };

  const changed = () => open().filter((row) => fieldOf(row) && fieldOf(row).value !== first.get(row.dataset.editRow));

  const keep = () => {
    const values = Object.fromEntries(changed().map((row) => [row.dataset.editRow, fieldOf(row).value]));
    const count = Object.keys(values).length;
    if (count) localStorage.setItem(place, JSON.stringify({ version: form.dataset.editVersion, values }));
    else localStorage.removeItem(place);
    bar.hidden = !count;
    bar.querySelector("[data-edit-count]").textContent = `${count} ${count === 1 ? "value" : "values"} changed`;
  };

  const close = (row) => {
    const slot = row.querySelector("[data-edit-slot]");
    slot.replaceChildren();
    slot.hidden = true;
    row.querySelector("[data-edit-text]").hidden = false;
    keep();
    row.querySelector(".sheet__pencil").focus();
  };

  const edit = async (row, value) => {
    if (row.querySelector(".edit")) return fieldOf(row).focus();
    const slot = row.querySelector("[data-edit-slot]");
    row.closest("details:not([open])")?.setAttribute("open", "");
    early = value === undefined ? "" : null;
    await window.htmx.ajax("GET", row.querySelector("[data-edit-href]").dataset.editHref, { target: slot, swap: "innerHTML" });
    const field = fieldOf(row);
    const typed = early;
    early = null;
    if (!field) return;
    slot.hidden = false;
    row.querySelector("[data-edit-text]").hidden = true;
    first.set(row.dataset.editRow, field.value);
    if (value !== undefined) {
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    } else {
      field.focus();
      field.select?.();
      if (typed) document.execCommand("insertText", false, typed);
    }
  };

  form.addEventListener("click", (event) => {
    const row = event.target.closest("[data-edit-row]");
    if (!row) return;
    if (event.target.closest("[data-edit-cancel]")) close(row);
    else if (event.target.closest(".sheet__pencil")) {
      event.preventDefault();
      edit(row);
    } else if (event.target.closest("[data-edit-text]") && !event.target.closest("a") && !window.getSelection()?.toString()) edit(row);
  });

  form.addEventListener("input", keep);
  form.addEventListener("change", keep);

  // Before the shortcuts hear of it: E edits the value the focus is in, else the first one.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (early !== null && event.key.length === 1) {
      early += event.key;
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    const row = document.activeElement?.closest("[data-edit-row]");
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape" && row) {
        event.preventDefault();
        event.stopImmediatePropagation();
        close(row);
      }
      return;
    }
    if (document.querySelector("dialog[open]") || event.target.isContentEditable) return;
    if (event.key.toLowerCase() === "e" && rows().length) {
      event.preventDefault();
      event.stopImmediatePropagation();
      edit(row ?? rows()[0]);
    }
  }, true);

  // Only what was changed goes along: an opened field that was left as it was is no proposal.
  form.addEventListener("submit", () => {
    for (const row of open()) if (!changed().includes(row) && fieldOf(row)) fieldOf(row).disabled = true;
  });
  window.addEventListener("pageshow", () => {
    for (const row of open()) if (fieldOf(row)) fieldOf(row).disabled = false;
  });

  bar.querySelector("[data-edit-discard]").addEventListener("click", () => {
    localStorage.removeItem(place);
    for (const row of open()) close(row);
    keep();
  });

  const resume = async () => {
    const draft = load();
    for (const [name, value] of Object.entries(draft.values ?? {})) {
      const row = rowOf(name);
      if (row) await edit(row, value);
    }
    if (draft.values && draft.version !== form.dataset.editVersion) {
      bar.querySelector("[data-edit-kept]").textContent = "kept from before; the record has changed since, so look at the values again";
    } else if (draft.values) bar.querySelector("[data-edit-kept]").textContent = "kept from before, not sent yet";
    const asked = rowOf(new URLSearchParams(location.search).get("edit"));
    if (asked) await edit(asked);
  };
  document.addEventListener("DOMContentLoaded", resume);
  // A link to a value opens why it is so.
  const why = location.hash.startsWith("#why-") && rowOf(location.hash.slice(5))?.querySelector("details.provenance");
  if (why) why.open = true;
})();
