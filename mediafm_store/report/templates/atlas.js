"use strict";
/* Pointing at the map of the atlas: the shot that is meant, moving, zooming, keys. */
(() => {
  if (!map) return;
  const { data, canvas, state } = map;
  const tip = document.getElementById("tip");
  const REACH = 14; // pixels from a point that still count as on it

  const clock = (s) => new Date(s * 1000).toISOString().slice(11, 19).replace(/^(00:)?0?/, "");

  function address(i) {
    const title = data.titles[data.title[i]];
    if (title.page) return `${title.page}#s${data.index[i]}`;
    return title.film && title.film.replace(/#t=0$/, `#t=${data.start[i]}`);
  }

  function select(i) {
    state.selected = i;
    tip.hidden = i < 0;
    canvas.style.cursor = i < 0 || !address(i) ? "" : "pointer";
    map.redraw();
    if (i < 0) return;
    const parts = [];
    if (data.picture[i] >= 0) parts.push(sprite(data.picture[i]));
    const texts = [data.titles[data.title[i]].name, clock(data.start[i]), data.words[i]];
    texts.filter(Boolean).forEach((text, place) => {
      const line = document.createElement(place ? "span" : "b");
      line.textContent = text;
      parts.push(line);
    });
    tip.replaceChildren(...parts);
    const [x, y] = [map.across(i), map.down(i)];
    const box = tip.getBoundingClientRect();
    const room = canvas.getBoundingClientRect();
    const left = x + box.width + 20 > room.width ? x - box.width - 14 : x + 14;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, Math.min(y + 14, room.height - box.height - 4))}px`;
  }

  function sprite(picture) {
    const made = document.createElement("i");
    const place = picture % map.perSheet;
    const sheet = Math.floor(picture / map.perSheet);
    const rows = Math.ceil(Math.min(map.perSheet, data.pictures - sheet * map.perSheet) / data.columns);
    const down = rows > 1 ? (100 * Math.floor(place / data.columns)) / (rows - 1) : 0;
    made.className = `picture m${sheet}`;
    made.style.backgroundSize = `${data.columns}00% ${rows}00%`;
    made.style.backgroundPosition = `${(100 * (place % data.columns)) / (data.columns - 1)}% ${down}%`;
    return made;
  }

  function open(i) {
    if (i < 0 || !address(i)) return;
    location.href = address(i);
  }

  /* The next or the last shot of the same title that is shown; shots lie in play order. */
  function step(by) {
    const count = data.x.length;
    if (state.selected < 0) {
      const box = canvas.getBoundingClientRect();
      return map.nearest(box.width / 2, box.height / 2, Infinity);
    }
    const next = (state.selected + by + count) % count;
    return data.title[next] === data.title[state.selected] && map.shown(next) ? next : state.selected;
  }

  const pointers = new Map(); // where each finger, or the mouse, was last
  let dragged = 0;
  const at = (event) => [event.offsetX, event.offsetY];
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    dragged = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return select(map.nearest(...at(event), REACH));
    const before = pointers.size === 2 ? spread() : 0;
    const [x, y] = at(event);
    dragged += Math.abs(x - last[0]) + Math.abs(y - last[1]);
    pointers.set(event.pointerId, [x, y]);
    if (before) map.zoom(spread() / before, x, y);
    else map.move(x - last[0], y - last[1]);
    if (dragged > 4) select(-1);
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("click", (event) => {
    if (dragged > 4) return;
    const i = map.nearest(...at(event), REACH);
    if (event.pointerType === "touch" && i !== state.selected) select(i); // there is no hovering
    else open(i);
  });
  canvas.addEventListener("pointerleave", () => pointers.size || select(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    map.zoom(Math.exp(-event.deltaY / 300), ...at(event));
    select(map.nearest(...at(event), REACH));
  }, { passive: false });

  const keys = {
    "+": () => map.zoom(1.4), "=": () => map.zoom(1.4), "-": () => map.zoom(1 / 1.4), 0: map.whole,
    ArrowLeft: () => map.move(60, 0), ArrowRight: () => map.move(-60, 0),
    ArrowUp: () => map.move(0, 60), ArrowDown: () => map.move(0, -60),
    ".": () => follow(1), ",": () => follow(-1), Enter: () => open(state.selected),
    Escape: () => select(-1),
  };
  function follow(by) {
    const i = step(by);
    if (i >= 0) map.centre(i);
    select(i);
  }
  canvas.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
    if (state.selected >= 0) select(state.selected); // its card moves along
  });
  for (const [id, key] of [["nearer", "+"], ["farther", "-"], ["whole", 0]])
    document.getElementById(id).addEventListener("click", () => (keys[key](), select(state.selected)));
  canvas.addEventListener("groups", () => select(-1)); // what is pointed at may be hidden now
})();
