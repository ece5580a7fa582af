"use strict";
/* The groups of the atlas: by genre or by title, their colours, which are shown. */
(() => {
  if (!map) return;
  const { data, canvas, state } = map;
  const legend = document.getElementById("legend");

  function changed() {
    canvas.dispatchEvent(new Event("groups"));
    map.redraw();
  }

  function group() {
    const by = document.querySelector("input[name=by]:checked").value;
    const names = data.titles.map((title) => (by === "genre" ? title.genre : title.name));
    const keys = by === "genre" ? names : names.map((_, i) => String(i)); // names may be the same
    const counts = new Map();
    for (const title of data.title) counts.set(keys[title], (counts.get(keys[title]) || 0) + 1);
    const order = [...counts].sort((a, b) => b[1] - a[1]).map(([key]) => key);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    state.group = data.title.map((title) => order.indexOf(keys[title]));
    state.colours = order.map((_, i) => {
      const hue = order.length > 12 ? i * 137.5 : (i * 360) / order.length; // the golden angle
      const light = (dark ? 0.74 : 0.6) + (i % 2 ? 0.06 : 0);
      return `oklch(${light} 0.15 ${(250 + hue) % 360})`;
    });
    state.hidden.clear();
    legend.replaceChildren(
      ...order.map((key, i) => entry(i, names[keys.indexOf(key)], counts.get(key))),
    );
    changed();
  }

  function entry(i, name, count) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const spot = document.createElement("i");
    const [label, number] = [name, count].map((text) => {
      const made = document.createElement("span");
      made.textContent = text;
      return made;
    });
    spot.style.background = state.colours[i];
    button.type = "button";
    button.append(spot, label, number);
    button.addEventListener("click", (event) => toggle(i, event.detail === 2));
    button.setAttribute("aria-pressed", "true");
    item.append(button);
    return item;
  }

  function toggle(i, alone) {
    if (alone) state.colours.forEach((_, j) => j !== i && state.hidden.add(j));
    if (alone) state.hidden.delete(i);
    else if (!state.hidden.delete(i)) state.hidden.add(i);
    legend.querySelectorAll("button").forEach((button, j) =>
      button.setAttribute("aria-pressed", String(!state.hidden.has(j))),
    );
    changed();
  }

  document.querySelectorAll("input[name=by]").forEach((input) => input.addEventListener("change", group));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", group);
  group();
})();
