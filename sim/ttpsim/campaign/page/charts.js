"use strict";
// A chart of lines as SVG: axes with round numbers, a key, a name for each line.

const COLOURS = ["#0969da", "#d1632a", "#1a7f5a", "#8250df", "#bf3989", "#7d6a00", "#4c8f9e",
                 "#a5552f", "#5a6b85", "#cf222e", "#2f9e44", "#9c36b5"];

function node(name, attributes = {}, ...inner) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...inner);
  return found;
}

function drawn(name, attributes, text) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  if (text !== undefined) found.textContent = text;
  return found;
}

function shown(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en")
                                 : String(Number(value.toPrecision(4)));
}

function ticks(low, high, log) {
  if (log) {
    const found = [];
    const base = high / low > 1000 ? 10 : 2;
    for (let at = base ** Math.ceil(Math.log(low) / Math.log(base) - 1e-9); at <= high * 1.001;
         at *= base) found.push(Number(at.toPrecision(12)));
    if (found.length > 1) return found;
  }
  const rough = (high - low || 1) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((one) => one * power >= rough);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-6; at += step)
    found.push(Number(at.toPrecision(12)));
  return found;
}

// `lines`: [{name, points: [[x, y, low, high]]}]. `options`: title, x and y for words; log: of the
// x axis; most: at least that far up; steps: points are joined as stairs; dots: points are marked.
function chart(lines, options) {
  const [width, height, left, right, top, bottom] = [600, 300, 64, 12, 10, 40];
  const all = lines.flatMap((line) => line.points);
  if (!all.length) return null;
  const xs = all.map((point) => point[0]);
  let [low, high] = [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))];
  const log = options.log && low > 0 && high / low >= 8;
  if (low === high) [low, high] = [low - 1, high + 1];
  const peak = all.reduce((most, point) => Math.max(most, point[3] ?? point[1]), 0);
  const most = options.most ?? (peak * 1.05 || 1);
  const far = (x) => log ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low);
  const px = (x) => left + far(x) * (width - left - right);
  const py = (y) => height - bottom - y / most * (height - top - bottom);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(drawn("title", {}, options.title));
  for (const y of ticks(0, most)) {
    svg.append(drawn("line", { class: "grid", x1: left, x2: width - right, y1: py(y), y2: py(y) }));
    svg.append(drawn("text", { x: left - 6, y: py(y) + 4, "text-anchor": "end" }, shown(y)));
  }
  for (const x of ticks(low, high, log)) {
    svg.append(drawn("line", { class: "grid", x1: px(x), x2: px(x), y1: height - bottom,
                               y2: height - bottom + 4 }));
    svg.append(drawn("text", { x: px(x), y: height - bottom + 17, "text-anchor": "middle" },
                     shown(x)));
  }
  const middle = (left + width - right) / 2;
  svg.append(drawn("text", { x: middle, y: height - 6, "text-anchor": "middle" }, options.x));
  const half = (height - bottom + top) / 2;
  svg.append(drawn("text", { x: 14, y: half, "text-anchor": "middle",
                             transform: `rotate(-90 14 ${half})` }, options.y));
  for (const [number, line] of lines.entries()) {
    const colour = COLOURS[number % COLOURS.length];
    let path = "";
    for (const [x, y] of line.points)
      path += (path ? (options.steps ? `H${px(x).toFixed(1)}V` : `L${px(x).toFixed(1)},`)
                    : `M${px(x).toFixed(1)},`) + py(y).toFixed(1);
    svg.append(drawn("path", { d: path, fill: "none", stroke: colour, "stroke-width": 1.8 }));
    if (options.dots) for (const [x, y, from, to] of line.points) {
      if (from !== undefined && to > from)
        svg.append(drawn("line", { x1: px(x), x2: px(x), y1: py(from), y2: py(to),
                                   stroke: colour, "stroke-width": 1.2 }));
      const dot = drawn("circle", { cx: px(x), cy: py(y), r: 3.2, fill: colour });
      dot.append(drawn("title", {}, `${line.name}\n${options.x} ${shown(x)}: ${shown(y)}`));
      svg.append(dot);
    }
  }
  const key = node("div", { class: "key" });
  for (const [number, line] of lines.entries())
    key.append(node("span", {}, node("i", { style: `background:${COLOURS[number % COLOURS.length]}` }),
                    line.name));
  return node("figure", {}, node("figcaption", {}, options.title), svg, key);
}
