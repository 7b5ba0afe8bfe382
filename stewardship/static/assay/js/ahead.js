// The next question is fetched while this one is looked at, so that going on shows it at once. Nothing is claimed by
// fetching: the page fetched claims its question when it is shown. A page older than a minute is fetched anew.
"use strict";
(() => {
  const AGE = 60000;
  const WAIT = 600;
  let kept = null;
  let timer = 0;

  const link = () => document.querySelector("a[rel=next][data-key=j]");

  const fetchNext = async () => {
    const next = link();
    if (!next || !navigator.onLine || kept?.href === next.href) return;
    try {
      const answer = await fetch(next.href, { headers: { "HX-Request": "true", "X-Assay-Ahead": "1" } });
      if (answer.ok && !answer.redirected) kept = { href: next.href, text: await answer.text(), at: Date.now() };
    } catch {
      kept = null;
    }
  };

  const plan = () => {
    clearTimeout(timer);
    if (link()) timer = setTimeout(fetchNext, WAIT);
  };

  document.addEventListener("click", (event) => {
    const next = event.target.closest("a[rel=next][data-key=j]");
    if (!next || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const ready = kept?.href === next.href && Date.now() - kept.at < AGE ? kept : null;
    kept = null;
    if (!ready || !window.htmx) return;
    event.preventDefault();
    window.htmx.swap(document.getElementById("main"), ready.text, { swapStyle: "innerHTML" });
    history.pushState({ htmx: true }, "", ready.href);
    window.scrollTo(0, 0);
    plan();
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "main") kept = null;
    plan();
  });
  plan();
})();
