"use strict";
/* Cards by keyboard: arrows go from card to card, Enter shows what lies around one, ? shows the keys. */
(() => {
  const cards = [...document.querySelectorAll("[data-card]")];
  const keys = document.getElementById("keys");

  /* The card above or below: the nearest row in that direction, the nearest card within it. */
  function vertical(from, sign) {
    const box = from.getBoundingClientRect();
    const there = cards
      .map((card) => [card, card.getBoundingClientRect()])
      .filter(([, other]) => (other.top - box.top) * sign > 4);
    const row = Math.min(...there.map(([, other]) => Math.abs(other.top - box.top)));
    return there
      .filter(([, other]) => Math.abs(Math.abs(other.top - box.top) - row) < 4)
      .sort((a, b) => Math.abs(a[1].left - box.left) - Math.abs(b[1].left - box.left))
      .map(([card]) => card)[0];
  }

  const ways = {
    ArrowRight: (card) => cards[cards.indexOf(card) + 1],
    ArrowLeft: (card) => cards[cards.indexOf(card) - 1],
    ArrowDown: (card) => vertical(card, 1),
    ArrowUp: (card) => vertical(card, -1),
    Home: () => cards[0],
    End: () => cards[cards.length - 1],
  };

  function open(card) {
    const details = card.querySelector("details");
    if (details) details.open = !details.open;
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.matches("input, textarea, select, canvas, video")) return;
    if (event.key === "?" && keys) {
      event.preventDefault();
      if (keys.open) keys.close();
      else keys.showModal();
      return;
    }
    if (keys && keys.open) return;
    const card = event.target.closest("[data-card]");
    if (event.key === "Enter") {
      if (card === event.target) open(card);
      return;
    }
    const way = ways[event.key];
    // The first arrow of all enters the sheet; before that they scroll, as on any page.
    const next = card ? way && way(card) : event.key === "ArrowRight" && cards[0];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  });

  const button = document.getElementById("keys-open");
  if (button && keys) {
    button.hidden = false;
    button.addEventListener("click", () => keys.showModal());
    keys.addEventListener("click", (event) => event.target === keys && keys.close());
  }
})();
