// A confirmed host key goes into its field. Without JavaScript it is copied by hand.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirms-key]");
  if (!button) return;
  const field = document.querySelector("[name=host_key]");
  field.value = button.dataset.confirmsKey;
  field.focus();
});
