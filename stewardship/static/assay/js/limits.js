// What is too long is said while it is typed or pasted, with all of it left in the field; a browser would cut it at
// maxlength and say nothing. Fields that count for themselves carry data-most; the server refuses aloud as well.
"use strict";
(() => {
  const FIELDS = "[data-most], input[maxlength], textarea[maxlength]";
  const length = (field) => field.value.replace(/\r\n/g, "\n").trim().length;

  const judge = (field) => {
    const most = Number(field.dataset.most);
    const over = length(field) - most;
    const told = field.validationMessage;
    field.setCustomValidity(over > 0 ? `${over.toLocaleString("en")} characters too many: at most ${most.toLocaleString("en")}.` : "");
    if (over > 0) field.setAttribute("aria-invalid", "true");
    else if (told) field.removeAttribute("aria-invalid");
    if (over > 0 && !told) field.reportValidity();
  };

  document.addEventListener("focusin", (event) => {
    const field = event.target;
    if (!field.matches?.(FIELDS) || !field.hasAttribute("maxlength")) return;
    field.dataset.most = field.getAttribute("maxlength");
    field.removeAttribute("maxlength");
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-most]")) judge(event.target);
  });
})();
