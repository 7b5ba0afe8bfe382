// Sending forms safely: once for a double press, with the newest token, and again when the line was broken.
// Every form carries a token "once"; the server carries out one sending of it. Forms sent by htmx stay on the page, so
// they get a new one after each answer. What could not be sent waits, is told, and goes off when the line is back.
"use strict";
(() => {
  const LOCKED = 8000;
  const PAUSES = [1, 2, 4, 8, 15];
  const UNREACHED = [502, 503, 504];
  const cookie = (name) => document.cookie.split("; ").find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const token = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const posts = (form) => form.method === "post" && !form.hasAttribute("hx-post") && !form.hasAttribute("data-sign-in-again");

  // Another tab may have signed in since: its token is the one that counts.
  const freshen = (form) => {
    const field = form.querySelector("input[name=csrfmiddlewaretoken]");
    const now = cookie("csrftoken");
    if (field && now) field.value = now;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !posts(form)) return;
    freshen(form);
    const until = Number(form.dataset.sending ?? 0);
    if (until > Date.now()) return event.preventDefault();
    if (navigator.onLine) form.dataset.sending = String(Date.now() + LOCKED);
    else {
      event.preventDefault();
      wait(form, () => form.requestSubmit(event.submitter ?? undefined));
    }
  });
  // Back from the next page: the form may be used again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
  });

  // The second half of a double click on what acts is no second wish.
  document.addEventListener("click", (event) => {
    if (event.detail < 2 || !event.target.closest("button[type=submit], form button:not([type]), [hx-post]:not(table)")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("htmx:configRequest", (event) => {
    const { verb, headers, parameters, elt } = event.detail;
    if (verb === "get") return;
    const now = cookie("csrftoken");
    if (now) {
      headers["X-CSRFToken"] = now;
      if (parameters.csrfmiddlewaretoken) parameters.csrfmiddlewaretoken = now;
    }
    // What is asked while typing is no press of a button.
    if (!["click", "submit"].includes(event.detail.triggeringEvent?.type ?? "click")) {
      delete parameters.once;
      return;
    }
    if (!parameters.once && !headers["X-Assay-Once"]) {
      elt.dataset.once ??= token();
      headers["X-Assay-Once"] = elt.dataset.once;
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { successful, requestConfig: config, elt } = event.detail;
    if (!successful || !config || config.verb === "get") return;
    const used = config.parameters.once;
    for (const field of document.querySelectorAll("input[name=once]")) if (used && field.value === used) field.value = token();
    delete elt.dataset?.once;
  });

  const waiting = new Map();
  let told = null;
  let tries = 0;
  let timer = 0;

  const go = () => {
    clearTimeout(timer);
    timer = 0;
    const acts = [...waiting.values()];
    waiting.clear();
    for (const act of acts) act();
  };
  const wait = (key, act) => {
    waiting.set(key, act);
    if (!told?.isConnected) told = window.assay?.say("The server does not answer. What you did is kept and is sent as soon as it does.", "error");
    if (!timer) timer = setTimeout(go, 1000 * PAUSES[Math.min(tries++, PAUSES.length - 1)]);
  };
  const reached = () => {
    tries = 0;
    if (!told || waiting.size) return;
    window.assay.unsay(told);
    told = null;
    window.assay.say("The connection is back, and what waited is sent.", "success");
  };

  const plain = (parameters) => {
    const found = {};
    for (const name of Object.keys(parameters)) found[name] = parameters[name];
    return found;
  };
  // Sends a request of htmx anew: the same form with the same token, so that it is carried out once.
  const again = (config) => {
    const once = config.headers["X-Assay-Once"];
    const headers = { "X-Assay-Again": "1", ...(once ? { "X-Assay-Once": once } : {}) };
    window.htmx.ajax(config.verb, config.path, { source: config.elt, target: config.target, values: plain(config.parameters), headers });
  };
  const lost = (event) => {
    const config = event.detail.requestConfig;
    const polled = config.verb === "get" && !["click", "submit", "change", "input", "search"].includes(config.triggeringEvent?.type);
    if (!polled) wait(config.elt, () => again(config));
  };
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:timeout", lost);
  document.addEventListener("htmx:responseError", (event) => {
    if (!UNREACHED.includes(event.detail.xhr.status)) return;
    event.detail.kept = true;
    lost(event);
  });
  document.addEventListener("htmx:afterOnLoad", reached);
  window.addEventListener("online", go);
  window.assay = Object.assign(window.assay ?? {}, { again });
})();
