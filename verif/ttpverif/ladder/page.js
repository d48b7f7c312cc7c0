"use strict";
// Draws only the rows in view, so that thousands of frames scroll smoothly.
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const scroll = byId("scroll"), space = byId("space"), svg = byId("ladder"), map = byId("map");
const HEAD = 30, LEFT = 190, MARGIN = 146, RIGHT = 250, TALLEST = 8e6;
const CLASS = [["lost", "lost"], ["malformed", "lost"], ["changed", "lost"], ["stray", "lost"],
  ["refused", "lost"], ["unanswered", "lost"], ["discarded", "late"], ["late", "late"],
  ["gap", "late"], ["sent again", "late"], ["cut", "late"], ["replay", "again"], ["retry", "again"], ["duplicate", "dup"],
  ["again", "dup"]];
const state = {link: "all", hidden: new Set(), marks: new Set(), mode: "rows", row: 24,
  scale: 1, picked: null};
let shown = [], tops = [], nodes = [], span = 400, height = 0;

function make(name, attributes, parent, text) {
  const element = document.createElementNS(SVG, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}
function html(name, parent, text) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}
function kind(frame) {
  const found = CLASS.find(([mark]) => mark in frame.marks);
  return found ? found[1] : frame.op === "PAYLOAD" ? "good" : "plain";
}
const family = frame => /^opcode/.test(frame.op) ? "undefined" : frame.op;
const hex = value => value === null ? "?" : "0x" + value.toString(16);
function label(frame) {
  if ("cut" in frame.marks) return frame.op + (frame.vc === null ? "" : ` vc${frame.vc}`);
  return identity(frame) + (frame.says ? " " + frame.says : "");
}
function identity(frame) {
  const vc = ` vc${frame.vc} `;
  if (frame.op === "PAYLOAD") return frame.op + vc + `tx ${hex(frame.tx)} · ${frame.len} B`;
  if (frame.keeps) return frame.op + vc + `rx ${hex(frame.rx)} keeps ${hex(frame.tx)}`;
  if (frame.op === "NACK" && frame.tx)
    return frame.op + vc + `rx ${hex(frame.rx)}..${hex(frame.tx)}`;
  if (/^(OPEN|OPEN_ACK|CLOSE|CLOSE_NACK)$/.test(frame.op))
    return frame.op + vc + `tx ${hex(frame.tx)} rx ${hex(frame.rx)}`;
  return frame.op + vc + `rx ${hex(frame.rx)}`;
}
function remark(frame) {
  return Object.keys(frame.marks).map(mark =>
    frame.of && /replay|retry|duplicate/.test(mark) ? `${mark} of ${frame.of}` : mark).join(", ");
}

function select() {
  shown = data.frames.filter(frame => (state.link === "all" || frame.link === +state.link)
    && !state.hidden.has(family(frame))
    && (!state.marks.size || Object.keys(frame.marks).some(mark => state.marks.has(mark))));
  const used = new Set(shown.flatMap(frame => [frame.src, frame.dst]));
  nodes = [...used].sort((a, b) => a - b);
  byId("count").textContent = `${shown.length} of ${data.frames.length} frames shown`;
  place();
}
// Where each frame stands; by time no two frames come closer than 3 pixels.
function place() {
  const wide = scroll.clientWidth - LEFT - RIGHT;
  span = nodes.length > 1 ? Math.min(560, Math.max(380, wide / (nodes.length - 1))) : 380;
  if (state.mode === "rows") {
    tops = shown.map((_, index) => HEAD + state.row * (index + 0.7));
  } else {
    let last = HEAD;
    tops = shown.map((frame, index) => {
      const at = HEAD + 12 + (frame.t - shown[0].t) * state.scale;
      last = index ? Math.max(at, last + 3) : at;
      return last;
    });
  }
  height = (tops.length ? tops[tops.length - 1] : HEAD) + 40;
  space.style.height = height + "px";
  space.style.width = LEFT + span * Math.max(1, nodes.length - 1) + RIGHT + "px";
  draw();
  drawMap();
}
function first(y) {
  let low = 0, high = tops.length;
  while (low < high) {
    const mid = low + high >> 1;
    if (tops[mid] < y) low = mid + 1; else high = mid;
  }
  return low;
}
function draw() {
  const top = scroll.scrollTop, left = scroll.scrollLeft;
  const w = scroll.clientWidth, h = scroll.clientHeight;
  svg.setAttribute("width", w); svg.setAttribute("height", h);
  svg.replaceChildren();
  const column = new Map(nodes.map((node, index) => [node, LEFT + index * span - left]));
  for (const x of column.values())
    make("line", {class: "rail", x1: x, x2: x, y1: HEAD, y2: h}, svg);
  const from = Math.max(0, first(top + HEAD - 20)), to = first(top + h + 20);
  const lines = make("g", {}, svg), labels = make("g", {}, svg);
  make("rect", {class: "margin", x: 0, y: 0, width: MARGIN, height: h}, labels);
  let text = -100;
  for (let index = from; index < to; index++) {
    const y = tops[index] - top;
    drawArrow(shown[index], y, column, lines);
    if (y - text < 13 && shown[index] !== state.picked) continue;
    drawLabel(shown[index], y, column, labels);
    text = y;
  }
  const head = make("g", {class: "head"}, svg);
  make("rect", {x: 0, y: 0, width: w, height: HEAD - 4}, head);
  for (const node of nodes)
    if (column.get(node) > MARGIN)
      make("text", {x: column.get(node), y: 18}, head, data.nodes[node]);
  make("text", {x: 14, y: 18, style: "text-anchor:start"}, head, "frame");
  make("text", {x: 138, y: 18, style: "text-anchor:end"}, head, "time/" + data.unit);
  markMap();
}
function group(frame, parent) {
  const twice = ["replay", "retry", "duplicate"].some(mark => mark in frame.marks);
  return make("g", {class: `frame c-${kind(frame)}${twice ? " twice" : ""}`
    + (frame === state.picked ? " picked" : ""), "data-n": frame.n}, parent);
}
function drawArrow(frame, y, column, parent) {
  const a = column.get(frame.src), b = column.get(frame.dst), way = b >= a ? 1 : -1;
  const lost = "lost" in frame.marks, g = group(frame, parent);
  const tall = state.mode === "rows" ? state.row : 14;
  make("rect", {class: "hit", x: 0, y: y - tall / 2, width: scroll.clientWidth, height: tall}, g);
  const end = a === b ? a + 60 : lost ? b - 40 * way : b - 2 * way;
  make("line", {x1: a, y1: y, x2: end, y2: y}, g);
  if (lost) make("path", {d: `M${end - 5} ${y - 5}l10 10m0 -10l-10 10`}, g);
  else make("path", {class: "tip", d: `M${end} ${y}l${-9 * way} -4v8z`}, g);
}
// Where the arrow is in view, nearer to the sender; number, time and marks beside it.
function drawLabel(frame, y, column, parent) {
  const a = column.get(frame.src), b = column.get(frame.dst), g = group(frame, parent);
  const low = Math.max(MARGIN, Math.min(a, b)), high = Math.min(scroll.clientWidth, Math.max(a, b));
  const words = label(frame), size = words.length * 7.25 + 8;
  if (high - low > size / 2) {
    const shift = high - low > size + 60 ? 12 * (b >= a ? -1 : 1) : 0;
    const middle = (low + high) / 2 + shift;
    make("rect", {class: "halo", x: middle - size / 2, y: y - 7, width: size, height: 14}, g);
    make("text", {class: "name", x: middle, y: y + 4, style: "text-anchor:middle"}, g, words);
  }
  make("text", {class: "dim", x: 48, y: y + 4, style: "text-anchor:end"}, g, frame.n);
  make("text", {class: "dim", x: 138, y: y + 4, style: "text-anchor:end"}, g, frame.time);
  make("text", {class: "why", x: column.get(nodes[nodes.length - 1]) + 16, y: y + 4}, g,
    remark(frame));
}

// The narrow strip: the whole capture, one coloured line per frame that is marked.
function drawMap() {
  const paper = map.getContext("2d"), h = map.height = map.clientHeight, w = map.width;
  const style = getComputedStyle(document.documentElement);
  const colour = name => style.getPropertyValue("--" + name);
  paper.clearRect(0, 0, w, h);
  shown.forEach((frame, index) => {
    const name = kind(frame), plain = name === "plain" || name === "good";
    paper.fillStyle = colour(plain ? "rule" : name);
    paper.fillRect(plain ? 10 : 3, tops[index] / height * h, plain ? 8 : w - 6, plain ? 1 : 2);
  });
  drawMap.picture = paper.getImageData(0, 0, w, Math.max(1, h));
  markMap();
}
function markMap() {
  if (!drawMap.picture) return;
  const paper = map.getContext("2d"), h = map.height;
  paper.putImageData(drawMap.picture, 0, 0);
  paper.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
  const size = Math.max(6, scroll.clientHeight / height * h);
  const y = Math.min(h - size, scroll.scrollTop / height * h);
  paper.strokeRect(0.5, y + 0.5, map.width - 1, size - 1);
}

function bytes(frame, offset, length) { return frame.hex.slice(2 * offset, 2 * (offset + length)); }
function fieldText(name, raw, value) {
  const digits = raw.match(/../g).join(":");
  if (/MAC/.test(name)) return digits;
  if (/address/.test(name)) return raw.match(/../g).map(part => parseInt(part, 16)).join(".");
  if (/padding|node/.test(name)) return /^0+$/.test(raw) && raw.length > 8 ? "all zero" : raw;
  const named = name === "opcode" ? data.opcodes[value] || "undefined"
    : name === "VC" ? data.vcs[value] || "undefined"
    : name === "extension" ? data.extensions[value] || "undefined" : null;
  if (named) return `${value} (${named})`;
  if (/ID$/.test(name)) return hex(value);
  return value < 10 ? String(value) : `${value} (0x${value.toString(16)})`;
}
function reference(list, words, number) {
  if (!number) return;
  const item = html("li", list, words + " "), link = html("a", item, "frame " + number);
  link.onclick = () => pick(data.frames.find(frame => frame.n === number), true);
}
function pick(frame, show) {
  state.picked = frame || null;
  const panel = byId("details");
  panel.hidden = !frame;
  panel.replaceChildren();
  if (frame) {
    describe(frame, panel);
    let index = shown.indexOf(frame);
    if (index < 0) {          // a filter hides it: show everything again
      state.link = "all"; state.hidden.clear(); state.marks.clear(); controls(); select();
      index = shown.indexOf(frame);
    }
    const y = tops[index] - scroll.scrollTop;
    if (show && (y < HEAD + 20 || y > scroll.clientHeight - 20))
      scroll.scrollTop = tops[index] - scroll.clientHeight / 2;
  }
  place();
}
function describe(frame, panel) {
  const title = html("h2", panel, `Frame ${frame.n}: ${frame.op}`);
  const close = html("button", title, "×");
  close.onclick = () => pick(null);
  html("div", panel, `${data.nodes[frame.src]} → ${data.nodes[frame.dst]}, ${frame.time} `
    + `${data.unit}, ${frame.size} bytes` + (frame.form === "ipv4" ? ", IPv4/UDP" : ""));
  const list = html("ul", panel);
  for (const mark in frame.marks) {
    const item = html("li", list);
    html("b", item, mark);
    item.append(": " + frame.marks[mark]);
  }
  reference(list, "answers", frame.answers);
  reference(list, "answered by", frame.answered);
  reference(list, `attempt ${frame.attempt} of`, frame.of);
  let layer = null, table = null;
  for (const [group, name, offset, length, bits] of data.fields[frame.form]) {
    const raw = bytes(frame, offset, length);
    if (raw.length < 2 * length || frame.cooked && /MAC$/.test(name)) continue;
    if (group !== layer) { html("h3", panel, layer = group); table = html("table", panel); }
    let value = length <= 6 ? parseInt(raw, 16) : 0;
    if (bits) value = value >> bits[0] & (1 << bits[1]) - 1;
    const row = html("tr", table);
    html("td", row, offset); html("td", row, name); html("td", row, fieldText(name, raw, value));
  }
  if (frame.len) {
    const kept = Math.max(0, Math.min(frame.len, frame.hex.length / 2 - 60));
    html("h3", panel, `Payload, ${frame.len} bytes`
      + (kept < frame.len ? `, the first ${kept}` : ""));
    const lines = [];
    for (let at = 0; at < kept; at += 8) {
      const part = bytes(frame, 60 + at, Math.min(8, kept - at)).match(/../g) || [];
      const plain = part.map(two => { const code = parseInt(two, 16);
        return code > 31 && code < 127 ? String.fromCharCode(code) : "."; }).join("");
      lines.push(String(at).padStart(4) + "  " + part.join(" ").padEnd(24) + " " + plain);
    }
    html("pre", panel, lines.join("\n"));
  }
}

function zoom(factor, at = scroll.clientHeight / 2) {
  const y = scroll.scrollTop + at;
  const index = Math.min(Math.max(0, first(y)), Math.max(0, tops.length - 1));
  const offset = (tops[index] || 0) - scroll.scrollTop;
  const longest = shown.length ? shown[shown.length - 1].t - shown[0].t || 1 : 1;
  if (state.mode === "rows") state.row = Math.min(80, TALLEST / Math.max(1, shown.length),
    Math.max(2, state.row * factor));
  else state.scale = Math.min(TALLEST / longest, Math.max(200 / longest, state.scale * factor));
  place();
  scroll.scrollTop = (tops[index] || 0) - offset;
  draw();
}
function fit() {
  const room = scroll.clientHeight - HEAD - 50, last = shown[shown.length - 1];
  if (!last) return;
  state.row = Math.min(40, Math.max(2, room / shown.length));
  state.scale = room / (last.t - shown[0].t || 1);
  place();
  scroll.scrollTop = 0;
}
function chips(id, names, counts, pressed, toggle, paint) {
  const row = byId(id);
  row.replaceChildren();
  if (names.length) html("span", row, id === "marks" ? "only" : "show");
  for (const name of names) {
    const button = html("button", row, name + " ");
    html("small", button, counts(name));
    button.setAttribute("aria-pressed", pressed(name));
    const found = CLASS.find(([mark]) => mark === name);
    if (paint) button.className = "c-" + (found ? found[1] : "plain");
    button.onclick = () => { toggle(name); controls(); select(); };
  }
}
function flip(set, name) { if (!set.delete(name)) set.add(name); }
function controls() {
  byId("link").value = state.link;
  const names = [...new Set(data.frames.map(family))];
  chips("opcodes", names, name => data.frames.filter(frame => family(frame) === name).length,
    name => !state.hidden.has(name), name => flip(state.hidden, name));
  chips("marks", data.marks, name => data.frames.filter(frame => name in frame.marks).length,
    name => state.marks.has(name), name => flip(state.marks, name), true);
  for (const [id, title] of [["marks", "show only frames with this mark"],
    ["opcodes", "show or hide these frames"]])
    for (const button of byId(id).querySelectorAll("button")) button.title = title;
}

const choice = byId("link");
choice.append(new Option(`all ${data.links.length}`, "all"));
data.links.forEach((name, index) => choice.append(new Option(
  `${name} (${data.frames.filter(frame => frame.link === index).length})`, index)));
choice.onchange = () => { state.link = choice.value; select(); scroll.scrollTop = 0; };
byId("mode").onchange = event => { state.mode = event.target.value;
  if (state.mode === "time") fit(); else { state.row = 24; place(); } };
byId("in").onclick = () => zoom(1.4);
byId("out").onclick = () => zoom(1 / 1.4);
byId("fit").onclick = fit;
byId("theme").onclick = () => { const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; place(); };
document.documentElement.dataset.theme =
  matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
svg.addEventListener("click", event => {
  const group = event.target.closest(".frame");
  if (group) pick(data.frames.find(frame => frame.n === +group.dataset.n));
});
scroll.addEventListener("scroll", draw);
scroll.addEventListener("wheel", event => { if (event.ctrlKey) { event.preventDefault();
  zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.offsetY); } }, {passive: false});
map.addEventListener("click", event => {
  scroll.scrollTop = event.offsetY / map.clientHeight * height - scroll.clientHeight / 2; });
addEventListener("resize", place);
addEventListener("keydown", event => {
  if (event.target.tagName === "SELECT" || event.ctrlKey || event.metaKey) return;
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (step && shown.length) { event.preventDefault();
    const at = shown.indexOf(state.picked);
    const next = Math.min(shown.length - 1, Math.max(0, at + step));
    pick(shown[at < 0 ? first(scroll.scrollTop + HEAD) : next], true);
  } else if (event.key === "+") zoom(1.4);
  else if (event.key === "-") zoom(1 / 1.4);
  else if (event.key === "0") fit();
  else if (event.key === "Escape") pick(null);
});
controls();
select();
const asked = /^#(\d+)$/.exec(location.hash);
if (asked) pick(data.frames.find(frame => frame.n === +asked[1]), true);
})();
