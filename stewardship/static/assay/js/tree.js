// Trees: branches are fetched when they open, arrows walk, X cuts, V puts below the present record, T on top; a branch
// can be dragged. Every move is a POST of the page's own form, so that a refusal is answered like any other.
"use strict";
(() => {
  const tree = document.querySelector("[data-tree]");
  if (!tree) return;
  const form = tree.dataset.moves ? document.querySelector(tree.dataset.moves) : null;
  const OPEN = `assay:tree:${tree.dataset.tree}`;
  const MOST_KEPT = 40;
  let cut = null;

  const items = () => [...tree.querySelectorAll("[role=treeitem]")].filter((item) => item.getClientRects().length > 0);
  const group = (item) => item.querySelector(":scope > [role=group]");
  const above = (item) => item.parentElement.closest("[role=treeitem]");
  const row = (item) => item.querySelector(":scope > .tree__node");

  const keep = () => {
    const open = [...tree.querySelectorAll('[aria-expanded="true"]')].map((item) => item.dataset.code);
    sessionStorage.setItem(OPEN, JSON.stringify(open.slice(0, MOST_KEPT)));
  };

  const fetchInto = async (url) => {
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (answer.redirected || answer.headers.has("HX-Redirect") || !answer.ok) {
      location.reload();
      return "";
    }
    return answer.text();
  };

  const open = async (item) => {
    const list = group(item);
    if (!list || item.getAttribute("aria-expanded") === "true") return;
    if (!list.childElementCount) {
      item.setAttribute("aria-busy", "true");
      list.innerHTML = await fetchInto(row(item).querySelector("[data-branch]").dataset.branch);
      item.removeAttribute("aria-busy");
      window.htmx.process(list);
      dress();
    }
    item.setAttribute("aria-expanded", "true");
    keep();
  };

  const close = (item) => {
    item.setAttribute("aria-expanded", "false");
    keep();
  };

  const goTo = (item) => {
    if (!item) return;
    for (const other of tree.querySelectorAll('[role=treeitem][tabindex="0"]')) other.tabIndex = -1;
    item.tabIndex = 0;
    item.focus({ preventScroll: true });
    row(item).scrollIntoView({ block: "nearest" });
  };

  const choose = (item) => {
    for (const other of tree.querySelectorAll("[aria-selected=true]")) {
      other.setAttribute("aria-selected", "false");
      row(other).removeAttribute("aria-current");
    }
    item.setAttribute("aria-selected", "true");
    row(item).setAttribute("aria-current", "true");
  };

  const said = document.querySelector("[data-tree-says]");
  const say = (text) => {
    if (said) said.textContent = text;
  };

  const place = (code, to) => {
    if (!form || !code || code === to) return;
    form.elements.records.value = code;
    form.elements.to.value = to;
    form.requestSubmit();
  };

  const take = (item) => {
    for (const other of tree.querySelectorAll("[data-cut]")) other.removeAttribute("data-cut");
    cut = item && cut !== item ? item : null;
    say("");
    if (cut) {
      row(cut).setAttribute("data-cut", "");
      say(`${cut.dataset.title} is cut. Go to its new parent and press V, or T for the top.`);
    }
  };

  const dress = () => {
    if (form) for (const node of tree.querySelectorAll(".tree__node")) node.draggable = true;
    if (!tree.querySelector('[role=treeitem][tabindex="0"]')) {
      const first = tree.querySelector("[aria-selected=true]") ?? tree.querySelector("[role=treeitem]");
      if (first) first.tabIndex = 0;
    }
  };

  tree.addEventListener("click", async (event) => {
    const more = event.target.closest("[data-more]");
    const twist = event.target.closest("[data-branch]");
    const name = event.target.closest(".tree__name");
    if (more) {
      event.preventDefault();
      const spot = more.closest("li");
      const holder = document.createElement("ul");
      holder.innerHTML = await fetchInto(more.href);
      const arrived = [...holder.children];
      spot.replaceWith(...arrived);
      for (const one of arrived) window.htmx.process(one);
      dress();
    } else if (twist) {
      event.preventDefault();
      const item = twist.closest("[role=treeitem]");
      if (item.getAttribute("aria-expanded") === "true") close(item);
      else await open(item);
    } else if (name) {
      const item = name.closest("[role=treeitem]");
      choose(item);
      goTo(item);
    }
  });

  const MOVES = {
    ArrowDown: (item, all) => goTo(all[all.indexOf(item) + 1]),
    ArrowUp: (item, all) => goTo(all[all.indexOf(item) - 1]),
    Home: (_, all) => goTo(all[0]),
    End: (_, all) => goTo(all.at(-1)),
    ArrowRight: (item) => {
      if (item.getAttribute("aria-expanded") === "true") goTo(group(item).querySelector("[role=treeitem]"));
      else open(item);
    },
    ArrowLeft: (item) => (item.getAttribute("aria-expanded") === "true" ? close(item) : goTo(above(item))),
    Enter: (item) => row(item).querySelector(".tree__name").click(),
    Escape: () => take(null),
    x: (item) => form && take(item),
    v: (item) => cut && place(cut.dataset.code, item.dataset.code),
    t: () => cut && place(cut.dataset.code, "top"),
  };

  tree.addEventListener("keydown", (event) => {
    const item = event.target.closest("[role=treeitem]");
    const act = MOVES[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!item || event.target !== item || !act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act(item, items());
  });

  let dragged = null;
  const overOf = (event) => event.target.closest?.(".tree__node");
  tree.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".tree__node")?.parentElement ?? null;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged?.dataset.code ?? "");
  });
  tree.addEventListener("dragover", (event) => {
    const node = overOf(event);
    // A branch cannot stand below itself: such places do not take it.
    if (!form || !dragged || !node || dragged.contains(node)) return;
    event.preventDefault();
    for (const other of tree.querySelectorAll("[data-over]")) if (other !== node) other.removeAttribute("data-over");
    node.setAttribute("data-over", "");
  });
  tree.addEventListener("dragend", () => {
    dragged = null;
    for (const other of tree.querySelectorAll("[data-over]")) other.removeAttribute("data-over");
  });
  tree.addEventListener("drop", (event) => {
    const node = overOf(event);
    if (!dragged || !node) return;
    event.preventDefault();
    place(dragged.dataset.code, node.parentElement.dataset.code);
  });

  dress();
  const kept = JSON.parse(sessionStorage.getItem(OPEN) ?? "[]");
  (async () => {
    for (const code of kept) {
      const item = tree.querySelector(`[role=treeitem][data-code="${CSS.escape(code)}"]`);
      if (item) await open(item);
    }
    tree.querySelector("[aria-selected=true] > .tree__node")?.scrollIntoView({ block: "nearest" });
  })();
})();
