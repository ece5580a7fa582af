"use strict";
/* The similarities of a title's shots: in colour, and which two shots a place stands for. */
(() => {
  const figure = document.getElementById("matrix");
  const pair = document.getElementById("pair");
  if (!figure || !pair) return;
  const shots = Number(figure.dataset.shots);
  const least = Number(figure.dataset.least);
  const most = Number(figure.dataset.most);
  const image = figure.querySelector("img");
  const svg = figure.querySelector("svg");
  const canvas = document.createElement("canvas");
  let greys = null; // as they are in the picture, 0 to 255
  let at = [0, 0]; // column and row, as numbers of shots

  const draw = (tag, attributes) => {
    const made = document.createElementNS(svg.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return svg.appendChild(made);
  };
  const across = draw("line", { class: "cross", x1: 0, x2: shots });
  const down = draw("line", { class: "cross", y1: 0, y2: shots });

  function colours() {
    const style = getComputedStyle(figure);
    const stops = [0, 1, 2, 3, 4].map((i) => {
      const hex = style.getPropertyValue(`--m${i}`).trim().slice(1);
      return [0, 2, 4].map((place) => parseInt(hex.slice(place, place + 2), 16));
    });
    return Array.from({ length: 256 }, (_, grey) => {
      const place = (grey / 255) * (stops.length - 1);
      const low = Math.min(stops.length - 2, Math.floor(place));
      return stops[low].map((from, c) => from + (stops[low + 1][c] - from) * (place - low));
    });
  }

  function paint() {
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    if (!greys) {
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      greys = Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
    }
    const table = colours();
    const pixels = context.createImageData(canvas.width, canvas.height);
    greys.forEach((grey, i) => pixels.data.set([...table[grey], 255], 4 * i));
    context.putImageData(pixels, 0, 0);
    if (!canvas.parentNode) image.replaceWith(canvas);
  }

  function cosine(column, row) {
    const [x, y] = [column, row].map((i) => Math.floor(((i + 0.5) / shots) * canvas.width));
    return least + (greys[y * canvas.width + x] / 255) * (most - least);
  }

  function show(column, row) {
    at = [column, row].map((i) => Math.max(0, Math.min(shots - 1, i)));
    [across, down].forEach((line, i) => {
      for (const end of i ? ["x1", "x2"] : ["y1", "y2"]) line.setAttribute(end, at[1 - i] + 0.5);
    });
    figure.classList.add("pointed");
    const said = document.createElement("p");
    said.className = "cosine";
    said.textContent = `cosine ${cosine(...at).toFixed(2).replace("-", "\u2212")}`;
    const cards = at.map((i) => document.querySelector(`#s${i} .shot`).cloneNode(true));
    pair.replaceChildren(cards[1], said, cards[0]); // the row, which is on the left, first
  }

  const go = (shot) => {
    location.hash = `s${shot}`;
    document.getElementById(`s${shot}`).focus({ preventScroll: true });
  };
  const place = (event) => {
    const box = figure.getBoundingClientRect();
    const part = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return part.map((p) => Math.floor(p * shots));
  };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function start() {
    paint();
    figure.addEventListener("pointermove", (event) => show(...place(event)));
    figure.addEventListener("click", (event) => {
      show(...place(event));
      go(at[0]);
    });
    figure.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (step) show(at[0] + step[0], at[1] + step[1]);
      else if (event.key === "Enter") go(at[0]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  }
  image.decode().then(start);
})();
