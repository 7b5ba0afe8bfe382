// Compare grid: fold and unfold equal or empty rows; ready reasons fill the reason field of a confirmation.
"use strict";
document.addEventListener("click", (event) => {
  const toggle = event.target.closest("[data-compare-toggle]");
  if (toggle) {
    const hidden = document.querySelector(".compare")?.classList.toggle(`compare--${toggle.dataset.compareToggle}-hidden`);
    toggle.setAttribute("aria-pressed", String(!hidden));
  }
  const ready = event.target.closest("[data-reason-fill]");
  const field = ready?.closest("form")?.querySelector("[data-reason]");
  if (field) {
    field.value = ready.dataset.reasonFill;
    field.focus();
  }
});
