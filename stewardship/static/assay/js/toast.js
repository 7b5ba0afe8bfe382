// Toasts go by themselves: plain ones after 6 s, those with Undo after 20 s, errors stay. Pointing at them keeps them.
"use strict";
(() => {
  const PLAIN = 6000;
  const UNDO = 20000;
  const region = () => document.getElementById("toasts");

  const remove = (toast) => {
    toast.classList.add("toast--leaving");
    setTimeout(() => toast.remove(), 160);
  };

  const start = (toast) => {
    if (toast.dataset.started) return;
    toast.dataset.started = "yes";
    if (toast.classList.contains("toast--error")) return;
    const length = toast.querySelector("form") ? UNDO : PLAIN;
    let timer = setTimeout(remove, length, toast);
    const hold = () => clearTimeout(timer);
    const go = () => {
      clearTimeout(timer);
      timer = setTimeout(remove, length, toast);
    };
    toast.addEventListener("mouseenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("mouseleave", go);
    toast.addEventListener("focusout", go);
  };

  const startAll = () => document.querySelectorAll("[data-toast]").forEach(start);

  const say = (text, tone = "error") => {
    const toast = document.createElement("div");
    toast.className = `toast toast--${tone}`;
    toast.dataset.toast = "";
    const words = document.createElement("p");
    words.className = "toast__text";
    words.textContent = text;
    const close = document.createElement("button");
    close.className = "toast__close";
    close.type = "button";
    close.dataset.toastClose = "";
    close.textContent = "Dismiss";
    toast.append(words, close);
    region()?.append(toast);
    start(toast);
    return toast;
  };
  window.assay = Object.assign(window.assay ?? {}, { say, unsay: remove });

  const REASONS = {
    401: "You are signed out. Reload the page to sign in again; nothing was saved.",
    403: "You may not do this. Nothing was saved; ask an administrator for the right.",
    404: "This is no longer there. Reload the page to see how things stand.",
    429: "Too many requests at once. Wait a moment and try again.",
  };

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.kept) return;
    say(REASONS[event.detail.xhr.status] ?? "The server could not do this. Nothing was saved; try again in a moment.");
  });
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-toast-close]");
    if (close) remove(close.closest("[data-toast]"));
  });
  document.addEventListener("htmx:afterSettle", startAll);
  document.addEventListener("htmx:oobAfterSwap", startAll);
  startAll();
})();
