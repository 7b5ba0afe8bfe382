// Keyboard shortcuts, declared where they act: data-key="m" or data-key="g q" on a link, button or field,
// with data-key-label and data-key-group for the help. A field is focused, anything else is clicked.
// Only visible, enabled elements count; while a dialog is open, only those inside it. The last one on the page wins.
"use strict";
(() => {
  const PAUSE = 900;
  let first = "";
  let timer = 0;

  const scope = () => [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const usable = (element) =>
    !element.disabled && element.getAttribute("aria-disabled") !== "true" && element.getClientRects().length > 0;
  const declared = () => [...scope().querySelectorAll("[data-key]")];
  const isTyping = (target) =>
    target.isContentEditable ||
    target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=range])");

  const act = (element) => {
    if (element.matches("input:not([type=checkbox], [type=radio]), textarea, select")) {
      element.focus();
      element.select?.();
    } else {
      element.click();
    }
  };

  // Links of the closed drawer are hidden on narrow screens and still go where they say.
  const find = (keys) =>
    declared().findLast((element) => element.dataset.key === keys && (usable(element) || element.matches(".nav__link")));

  document.addEventListener("keydown", (event) => {
    // A key held down is one press: otherwise it would decide every case that comes up under it.
    if (event.repeat && !isTyping(event.target)) return;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const keys = first ? `${first} ${key}` : key;
    first = "";
    clearTimeout(timer);
    const element = find(keys) ?? find(key);
    if (element) {
      event.preventDefault();
      act(element);
    } else if (declared().some((other) => other.dataset.key.startsWith(`${key} `))) {
      first = key;
      timer = setTimeout(() => (first = ""), PAUSE);
    }
  });

  const NAMES = { Enter: "↵", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space" };

  const line = (keys, label) => {
    const row = document.createElement("div");
    row.className = "keys__line";
    const text = document.createElement("span");
    text.textContent = label;
    row.append(text);
    const caps = document.createElement("span");
    caps.className = "keys__caps";
    for (const part of keys.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = NAMES[part] ?? part.toUpperCase();
      caps.append(cap);
    }
    row.append(caps);
    return row;
  };

  const fill = (list) => {
    const groups = new Map();
    for (const element of document.querySelectorAll("[data-key][data-key-label]")) {
      if (!usable(element) && !element.matches(".nav__link")) continue;
      const title = element.dataset.keyGroup ?? "This page";
      if (!groups.has(title)) groups.set(title, new Map());
      groups.get(title).set(element.dataset.key, element.dataset.keyLabel);
    }
    if (document.querySelector("[data-row]")) {
      groups.set("Lists", new Map([["j", "Next row"], ["k", "Previous row"], ["Enter", "Open the row"], ...(groups.get("Lists") ?? [])]));
    }
    const last = ["Lists", "Go to", "Everywhere"];
    const titles = [...groups.keys()].sort((one, other) => last.indexOf(one) - last.indexOf(other));
    list.replaceChildren(
      ...titles.map((title) => {
        const section = document.createElement("section");
        section.className = "keys__group";
        const heading = document.createElement("h3");
        heading.textContent = title;
        section.append(heading, ...[...groups.get(title)].map(([keys, label]) => line(keys, label)));
        return section;
      }),
    );
  };

  document.addEventListener("assay:opened", (event) => {
    const list = event.target.querySelector("[data-keys-list]");
    if (list) fill(list);
  });
})();
