// Rows like in a spreadsheet: a click with Shift or Ctrl, or the space bar, marks them; Shift with the arrows goes on;
// Ctrl A marks all, Escape none; Ctrl C copies them (or the cell that has the focus) as tab-separated text.
"use strict";
(() => {
  let anchor = null;

  const box = (row) => row.closest("table");
  const rows = (table) => [...table.querySelectorAll("tbody [data-row]")].filter((row) => row.getClientRects().length);
  const marked = (table) => rows(table).filter((row) => row.getAttribute("aria-selected") === "true");
  const current = () => document.activeElement?.closest?.("[data-row]");
  const text = (cell) => {
    const copy = cell.cloneNode(true);
    for (const hidden of copy.querySelectorAll("kbd, svg, .visually-hidden, .menu, button, form")) hidden.remove();
    return copy.textContent.replace(/[\t\r\n]+/g, " ").replace(/ {2,}/g, " ").trim();
  };
  const line = (row) => [...row.children].map(text).join("\t");

  const tell = (table) => {
    const place = table.closest(".table-box");
    if (!place) return;
    const count = marked(table).length;
    let bar = place.querySelector(".marked-bar");
    if (!count) return bar?.remove();
    if (!bar) {
      bar = document.createElement("div");
      bar.className = "marked-bar";
      bar.setAttribute("role", "status");
      const words = document.createElement("span");
      const copy = document.createElement("button");
      copy.type = "button";
      copy.className = "button button--small";
      copy.textContent = "Copy";
      copy.addEventListener("click", () => take(table));
      const clear = document.createElement("button");
      clear.type = "button";
      clear.className = "button button--quiet button--small";
      clear.textContent = "Unmark";
      clear.addEventListener("click", () => mark(table, []));
      bar.append(words, copy, clear);
      place.append(bar);
    }
    bar.firstChild.textContent = count === 1 ? "1 row marked" : `${count} rows marked`;
  };

  const mark = (table, chosen) => {
    for (const row of rows(table)) {
      if (chosen.includes(row)) row.setAttribute("aria-selected", "true");
      else row.removeAttribute("aria-selected");
    }
    tell(table);
  };
  const through = (table, from, to) => {
    const all = rows(table);
    const [first, last] = [all.indexOf(from), all.indexOf(to)].sort((one, other) => one - other);
    mark(table, all.slice(Math.max(first, 0), last + 1));
  };
  const turn = (row) => {
    const table = box(row);
    const chosen = marked(table);
    mark(table, chosen.includes(row) ? chosen.filter((one) => one !== row) : [...chosen, row]);
    anchor = row;
  };

  const write = async (words) => {
    try {
      await navigator.clipboard.writeText(words);
    } catch {
      const field = document.createElement("textarea");
      field.value = words;
      field.className = "visually-hidden";
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  };
  const take = async (table) => {
    const chosen = marked(table);
    const heads = [...table.querySelectorAll("thead th")].map(text).join("\t");
    await write([heads, ...chosen.map(line)].join("\n"));
    window.assay?.say(chosen.length === 1 ? "One row is copied." : `${chosen.length} rows are copied.`, "success");
  };

  document.addEventListener("click", (event) => {
    const further = event.target.closest("a.sort[data-more]");
    if (further && event.shiftKey) {
      event.preventDefault();
      event.stopImmediatePropagation();
      window.location.assign(further.dataset.more);
      return;
    }
    const row = event.target.closest("tbody [data-row]");
    if (!row || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    // A box ticks, and with Shift ticks up to the last one: pick.js.
    if (event.target.closest("input, select, label")) return;
    if (event.target.closest("a, button, summary") && !event.shiftKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    window.getSelection()?.removeAllRanges();
    if (event.shiftKey && anchor && box(anchor) === box(row)) through(box(row), anchor, row);
    else turn(row);
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, textarea, select, summary, button")) return;
    const table = current() ? box(current()) : [...document.querySelectorAll("table")].find((one) => marked(one).length);
    if (!table) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && key === "c" && marked(table).length && !window.getSelection().toString()) {
      event.preventDefault();
      take(table);
    } else if (command && key === "a" && current()) {
      event.preventDefault();
      mark(table, rows(table));
    } else if (!command && event.key === " " && current()) {
      event.preventDefault();
      turn(current());
    } else if (event.key === "Escape" && marked(table).length) {
      mark(table, []);
    } else if (event.shiftKey && ["ArrowDown", "ArrowUp"].includes(event.key) && current()) {
      const all = rows(table);
      const next = all[all.indexOf(current()) + (event.key === "ArrowDown" ? 1 : -1)];
      if (!next) return;
      event.preventDefault();
      anchor ??= current();
      next.querySelector("a.subject, a[href], button")?.focus();
      through(table, anchor, next);
    }
  }, true);
})();
