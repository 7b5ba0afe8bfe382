// On a narrow screen tabs run out of sight: bring the one that is open into it.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
});
