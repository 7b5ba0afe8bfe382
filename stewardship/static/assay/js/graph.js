// The graph of a question: the slider picks one of the groupings the page has worked out, and marks lines and letters.
"use strict";
(() => {
  const RANGE = "[data-graph-range]";

  const show = (graph, threshold) => {
    const levels = [...graph.querySelectorAll("[data-graph-level]")];
    const level = levels.findLast((one) => Number(one.dataset.graphLevel) >= threshold) ?? levels[0];
    for (const one of levels) one.hidden = one !== level;
    for (const edge of graph.querySelectorAll("[data-holds]")) {
      edge.classList.toggle("graph__edge--loose", Number(edge.dataset.holds) < threshold);
    }
    graph.querySelectorAll("[data-graph-node]").forEach((node, place) => {
      const letter = level.dataset.letters[place].replace(".", "");
      node.classList.toggle("graph__node--grouped", letter !== "");
      node.querySelector("[data-graph-letter]").textContent = letter;
    });
    const take = graph.querySelector("[data-graph-take]");
    if (take) take.disabled = level.dataset.groups === "0";
  };

  const begin = () => {
    for (const range of document.querySelectorAll(`${RANGE}[hidden]`)) {
      range.hidden = false;
      show(range.closest("[data-graph]"), Number(range.value));
    }
  };

  document.addEventListener("input", (event) => {
    const graph = event.target.closest("[data-graph]");
    if (!graph || !event.target.matches(`${RANGE}, [name=threshold]`)) return;
    const range = graph.querySelector(RANGE);
    const number = graph.querySelector("[name=threshold]");
    if (event.target === range) number.value = Number(range.value).toFixed(1);
    else range.value = number.value;
    show(graph, Number(range.value));
  });

  // Enter in the number takes nothing: the form it belongs to would merge.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-graph] [name=threshold]")) event.preventDefault();
  });

  document.addEventListener("htmx:afterSettle", begin);
  begin();
})();
