// The session ended while the page was open: a dialog asks for the password, and what was pressed is sent again.
// A form sent without htmx is kept by the server instead and comes back on a page that presses its button (data-press).
"use strict";
(() => {
  const waiting = new Map();
  let asking = false;
  let refused = false;

  const put = (html) => {
    document.getElementById("sign-in-again")?.remove();
    const parsed = new DOMParser().parseFromString(html, "text/html").querySelector("dialog");
    document.body.append(parsed);
    parsed.addEventListener("close", () => {
      asking = false;
      refused = true;
      parsed.remove();
    });
    parsed.showModal();
  };

  const ask = async () => {
    if (asking) return;
    asking = true;
    const answer = await fetch("/sign-in/?again=1", { headers: { "X-Requested-With": "fetch" } });
    put(await answer.text());
  };

  const resume = (token) => {
    for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
    const kept = [...waiting.values()];
    waiting.clear();
    for (const config of kept) window.assay.again(config);
  };

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status !== 401) return;
    event.detail.kept = true;
    const config = event.detail.requestConfig;
    const polled = !config.triggeringEvent || ["load", "every"].includes(config.triggeringEvent.type);
    if (polled && refused) return;
    waiting.set(config.elt, config);
    ask();
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-sign-in-again]");
    if (!form) return;
    event.preventDefault();
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.ok) return put(await answer.text());
    const { person, token } = await answer.json();
    form.closest("dialog").close();
    refused = false;
    if (String(person) === document.body.dataset.person) resume(token);
    else window.location.reload();
  });

  document.querySelector("form[data-press]")?.requestSubmit();
})();
