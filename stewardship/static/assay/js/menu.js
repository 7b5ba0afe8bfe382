// Menus (<details data-menu>) and dialogs: data-opens="id" shows a <dialog>, data-closes closes the one it is in.
"use strict";
(() => {
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    for (const menu of document.querySelectorAll("[data-menu][open]")) menu.open = false;
    dialog.showModal();
    dialog.dispatchEvent(new CustomEvent("assay:opened", { bubbles: true }));
  };

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      event.preventDefault();
      open(opener.dataset.opens);
    }
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
    // A press on the backdrop has the dialog itself as target.
    if (event.target.matches("dialog[open]")) event.target.close();
    for (const menu of document.querySelectorAll("[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
      event.preventDefault();
    }
  });

  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest?.("[data-menu][open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
})();
