// Colour scheme: light, dark, or as the machine says. Kept in a cookie, so that the server draws the right one at once.
"use strict";
(() => {
  const root = document.documentElement;
  const machine = window.matchMedia("(prefers-color-scheme: dark)");

  const mark = () => {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.theme));
    }
  };

  const choose = (theme) => {
    root.dataset.theme = theme;
    document.cookie = `assay_theme=${theme}; path=/; max-age=31536000; SameSite=Lax`;
    mark();
  };

  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-theme-choice]");
    if (choice) choose(choice.dataset.themeChoice);
    if (event.target.closest("[data-theme-switch]")) {
      const dark = root.dataset.theme === "dark" || (root.dataset.theme !== "light" && machine.matches);
      choose(dark ? "light" : "dark");
    }
  });
  mark();
})();
