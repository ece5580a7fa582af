"use strict";
/* The map of the atlas: points, or pictures where there is room, drawn when something changes. */
const map = (() => {
  const source = document.getElementById("data");
  if (!source) return null;
  const data = JSON.parse(source.textContent);
  const canvas = document.getElementById("map");
  const context = canvas.getContext("2d");
  const perSheet = data.columns * data.rows;
  const sheets = [...document.querySelectorAll("#sheets i")].map((holder) => {
    const image = new Image();
    image.src = getComputedStyle(holder).backgroundImage.slice(5, -2);
    return image;
  });
  const MARGIN = 24; // pixels around the whole
  const ROOM = 150; // points in view that are drawn as pictures
  const view = { scale: 1, x: 0, y: 0 }; // pixels = grid * scale * unit + x
  let size = { width: 0, height: 0, unit: 1 };
  const state = { selected: -1, group: [], colours: [], hidden: new Set() };
  let asked = false;

  function measure() {
    const box = canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(box.width * ratio);
    canvas.height = Math.round(box.height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const unit = (Math.min(box.width, box.height) - 2 * MARGIN) / data.grid;
    size = { width: box.width, height: box.height, unit };
  }

  function whole() {
    const middle = (data.grid * size.unit) / 2;
    Object.assign(view, { scale: 1, x: size.width / 2 - middle, y: size.height / 2 - middle });
    redraw();
  }

  const across = (i) => data.x[i] * size.unit * view.scale + view.x;
  const down = (i) => data.y[i] * size.unit * view.scale + view.y;
  const shown = (i) => !state.hidden.has(state.group[i]);

  /* By how much to zoom, around which pixel. */
  function zoom(factor, x = size.width / 2, y = size.height / 2) {
    const scale = Math.min(400, Math.max(0.5, view.scale * factor));
    const by = scale / view.scale;
    Object.assign(view, { scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by });
    redraw();
  }

  function move(x, y) {
    view.x += x;
    view.y += y;
    redraw();
  }

  function centre(i) {
    const [x, y] = [across(i), down(i)];
    if (x < 40 || y < 40 || x > size.width - 40 || y > size.height - 40)
      move(size.width / 2 - x, size.height / 2 - y);
  }

  /* The shot next to a pixel, if one is within reach. */
  function nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    for (let i = 0; i < data.x.length; i++) {
      const distance = (across(i) - x) ** 2 + (down(i) - y) ** 2;
      if (distance < least && shown(i)) [best, least] = [i, distance];
    }
    return best;
  }

  function picture(i, width) {
    const image = sheets[Math.floor(data.picture[i] / perSheet)];
    if (data.picture[i] < 0 || !image.complete || !image.naturalWidth) return false;
    const place = data.picture[i] % perSheet;
    const cell = image.naturalWidth / data.columns;
    const height = Math.floor((cell * 9) / 16);
    const from = [(place % data.columns) * cell, Math.floor(place / data.columns) * height];
    const tall = (width * 9) / 16;
    const to = [across(i) - width / 2, down(i) - tall / 2];
    context.fillRect(to[0] - 2, to[1] - 2, width + 4, tall + 4); // a frame in the group's colour
    context.drawImage(image, ...from, cell, height, ...to, width, tall);
    return true;
  }

  function draw() {
    asked = false;
    context.clearRect(0, 0, size.width, size.height);
    const within = [];
    for (let i = 0; i < data.x.length; i++) {
      const [x, y] = [across(i), down(i)];
      if (x > -60 && y > -40 && x < size.width + 60 && y < size.height + 40 && shown(i))
        within.push(i);
    }
    const dot = Math.min(9, (data.x.length < 1500 ? 5.5 : 3.5) + Math.log2(Math.max(1, view.scale)));
    const pictures = within.length <= ROOM;
    for (const i of within) {
      context.fillStyle = state.colours[state.group[i]];
      if (pictures && picture(i, 64)) continue;
      context.fillRect(across(i) - dot / 2, down(i) - dot / 2, dot, dot);
    }
    const i = state.selected;
    if (i < 0 || !shown(i)) return;
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(across(i), down(i), dot + 3, 0, 2 * Math.PI);
    context.stroke();
  }

  function redraw() {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  }

  measure();
  new ResizeObserver(() => (measure(), redraw())).observe(canvas);
  sheets.forEach((image) => image.addEventListener("load", redraw));
  whole();
  return { data, canvas, state, whole, zoom, move, centre, nearest, across, down, redraw, perSheet, shown };
})();
