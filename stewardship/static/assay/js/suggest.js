// Suggestions under the search on top: arrows move through them, Enter follows the chosen one, Escape puts them away.
"use strict";
(() => {
  const box = document.querySelector("[data-suggest]");
  const input = box?.querySelector("input[type=search]");
  const list = box?.querySelector("[data-suggest-list]");
  if (!input || !list) return;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => options().find((option) => option.getAttribute("aria-selected") === "true");

  const choose = (option) => {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };

  const open = (shown) => {
    list.hidden = !shown;
    input.setAttribute("aria-expanded", String(shown && options().length > 0));
    if (!shown) choose(null);
  };

  list.addEventListener("htmx:afterSwap", () => open(document.activeElement === input));
  input.addEventListener("focus", () => open(true));
  document.addEventListener("click", (event) => {
    if (!box.contains(event.target)) open(false);
  });
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) open(false);
  });

  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = options();
    if (step && all.length) {
      event.preventDefault();
      open(true);
      const present = all.indexOf(chosen());
      choose(all[present < 0 ? (step > 0 ? 0 : all.length - 1) : (present + step + all.length) % all.length]);
    } else if (event.key === "Enter" && chosen() && !list.hidden) {
      event.preventDefault();
      chosen().click();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      open(false);
    }
  });
})();
