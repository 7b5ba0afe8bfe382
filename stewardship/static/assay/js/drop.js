// Drop zone: <label class="drop" data-drop> around a file field. Dropped files land in the field; its name and size show.
// With data-drop-send the form goes off as soon as a file is chosen.
"use strict";
(() => {
  const size = (bytes) => {
    if (bytes < 1024) return `${bytes} bytes`;
    const units = ["KB", "MB", "GB"];
    const step = Math.min(units.length, Math.floor(Math.log(bytes) / Math.log(1024)));
    return `${(bytes / 1024 ** step).toFixed(1)} ${units[step - 1]}`;
  };

  const show = (zone) => {
    const field = zone.querySelector("input[type=file]");
    const place = zone.querySelector("[data-drop-name]");
    const files = [...field.files];
    zone.classList.toggle("drop--filled", files.length > 0);
    if (place && files.length) place.textContent = files.map((file) => `${file.name}, ${size(file.size)}`).join("; ");
    if (files.length && zone.hasAttribute("data-drop-send")) field.form?.requestSubmit();
  };

  // On a page with [data-drop-page] a file may be dropped anywhere; only files count, not dragged text or links.
  const over = (event) => {
    const near = event.target.closest?.("[data-drop]");
    if (near) return near;
    const isFile = [...(event.dataTransfer?.types ?? [])].includes("Files");
    return isFile ? document.querySelector("[data-drop-page] [data-drop]") : null;
  };

  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const zone = over(event);
      if (!zone) return;
      event.preventDefault();
      zone.classList.toggle("drop--over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) {
        const field = zone.querySelector("input[type=file]");
        field.files = event.dataTransfer.files;
        show(zone);
        field.dispatchEvent(new Event("change", { bubbles: true }));
        field.form?.querySelector("[type=submit]")?.focus();
      }
    });
  }

  document.addEventListener("change", (event) => {
    const zone = event.target.matches("input[type=file]") && event.target.closest("[data-drop]");
    if (zone) show(zone);
  });
})();
