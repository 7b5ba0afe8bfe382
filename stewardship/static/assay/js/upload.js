// The upload form: says which feed the chosen file's name leads to, by the feeds' own patterns.
"use strict";
(() => {
  const fits = (pattern, name) => {
    if (!pattern) return false;
    const text = pattern.replace(/[.+^${}()|\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".").replace(/\[!/g, "[^");
    try {
      return new RegExp(`^${text}$`, "s").test(name);
    } catch {
      return false;
    }
  };

  const tell = (form) => {
    const file = form.querySelector("input[type=file]").files[0];
    const field = form.querySelector("select[name=feed]");
    const place = form.querySelector("[data-feed-told]");
    if (!file || !place) return;
    const found = [...field.options].filter((option) => fits(option.dataset.pattern, file.name));
    if (field.value) place.textContent = "The feed you chose takes this file.";
    else if (found.length) place.textContent = `By its name: ${found.map((option) => option.textContent).join(" and ")}.`;
    else place.textContent = "No feed's pattern fits this name. Try it first: its columns are recognised.";
  };

  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-feed-suggest]");
    if (form) tell(form);
  });
  document.addEventListener("drop", (event) => {
    const form = event.target.closest?.("[data-feed-suggest]");
    if (form) setTimeout(tell, 0, form);
  });
})();
