"use strict";
/* Links to films open a player on the page; without this script they open the film itself. */
(() => {
  const dialog = document.getElementById("player");
  if (!dialog) return;
  const video = dialog.querySelector("video");
  const name = dialog.querySelector("p");

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.film");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    name.textContent = link.getAttribute("aria-label") || link.textContent;
    video.src = link.href;
    dialog.showModal();
    video.play().catch(() => {}); // the browser may not know the film's codec; it says so itself
  });
  dialog.addEventListener("close", () => {
    video.removeAttribute("src");
    video.load();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
})();
