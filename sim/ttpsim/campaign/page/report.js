// What is shown is what the part of the address behind "#" says, so that a view can be linked to:
// #nodes=5,9&table=flows&sort=-last&words=abc

const DATA = JSON.parse(document.getElementById("data").textContent);
const MOST_LINES = 12, MOST_ROWS = 1000;
const UNITS = { goodput: "share of what headers allow", fairness: "Jain's index" };
const byId = (id) => document.getElementById(id);
const tables = {};
for (const [name, table] of Object.entries(DATA.tables))
  tables[name] = table.rows.map((row) =>
    Object.fromEntries(table.columns.map((column, at) => [column, row[at]])));

const view = { filters: {}, table: "runs", sort: "", words: "" };

function readAddress() {
  const found = new URLSearchParams(location.hash.slice(1));
  view.filters = {};
  for (const name of Object.keys(DATA.axes))
    if (found.has(name)) view.filters[name] = new Set(found.get(name).split(","));
  view.table = tables[found.get("table")] ? found.get("table") : "runs";
  view.sort = found.get("sort") ?? "";
  view.words = found.get("words") ?? "";
}

function writeAddress() {
  const found = new URLSearchParams();
  for (const [name, values] of Object.entries(view.filters)) found.set(name, [...values].join(","));
  if (view.table !== "runs") found.set("table", view.table);
  if (view.sort) found.set("sort", view.sort);
  if (view.words) found.set("words", view.words);
  history.replaceState(null, "", `#${found}`);
  show();
}

const kept = (row) => Object.entries(view.filters).every(([name, values]) =>
  values.has(String(row[name])));

function axisFilter(name, values) {
  const box = node("div", { class: "axis" }, node("span", { class: "name" }, name));
  for (const value of values.map(String)) {
    const on = !view.filters[name] || view.filters[name].has(value);
    const button = node("button", { "aria-pressed": on, "data-axis": name, "data-value": value },
                        value);
    button.onclick = () => {        // the first click shows this one only
      const chosen = view.filters[name] ?? new Set();
      chosen.has(value) ? chosen.delete(value) : chosen.add(value);
      if (chosen.size && chosen.size < values.length) view.filters[name] = chosen;
      else delete view.filters[name];
      writeAddress();
    };
    box.append(button);
  }
  return box;
}

// `[[name, rows]]` by the values of these axes.
function groups(rows, axes) {
  const found = new Map();
  for (const row of rows) {
    const name = axes.map((axis) => `${axis} ${row[axis]}`).join(", ") || "all";
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(row);
  }
  return [...found].slice(0, MOST_LINES);
}

const several = () => Object.keys(DATA.axes).filter((name) => DATA.axes[name].length > 1);

function figure(runs, name) {
  const lines = groups(runs, several().filter((axis) => axis !== DATA.x && axis !== "seed")).map(
    ([words, rows]) => {
      const byX = new Map();
      for (const row of rows) if (typeof row[name] === "number")
        byX.set(row[DATA.x], [...(byX.get(row[DATA.x]) ?? []), row[name]]);
      const points = [...byX].sort((a, b) => a[0] - b[0]).map(([x, values]) =>
        [x, values.reduce((a, b) => a + b) / values.length, Math.min(...values),
         Math.max(...values)]);
      return { name: words, points };
    });
  return chart(lines, { title: `${name[0].toUpperCase()}${name.slice(1)}: mean and range of the seeds`,
                        x: DATA.x, y: UNITS[name], log: true, most: 1.02, dots: true });
}

function queue(runs) {
  const points = groups(runs, several().filter((axis) => axis !== "seed"));
  const lines = points.filter(([, rows]) => DATA.queues[rows[0].run]).map(
    ([words, rows]) => ({ name: words,
      points: DATA.queues[rows[0].run].map(([clock, bytes]) => [clock, bytes / 1024]) }));
  return chart(lines, { title: `Queue of the port to host 0${
    DATA.axes.seed.length > 1 ? ": the first seed that is shown" : ""}`, x: "clocks", y: "KB" });
}

function times() {
  if (!DATA.times) return null;
  const [of, column, title] = DATA.times;
  const rows = tables[of].filter((row) => kept(row) && typeof row[column] === "number");
  const lines = groups(rows, several().filter((axis) => axis !== "seed")).map(([words, some]) => {
    const values = some.map((row) => row[column]).sort((a, b) => a - b);
    return { name: words, points: values.map((time, at) => [time, (at + 1) / values.length]) };
  });
  return chart(lines, { title, x: "clocks", y: `share of ${of}`,
                        log: true, most: 1.02, steps: true });
}

function card(value, words, bad) {
  return node("div", { class: bad ? "card bad" : "card" }, node("b", {}, value),
              node("span", {}, words));
}

function cards(runs) {
  const wrong = runs.filter((run) => run.code !== 0).length;
  const found = [card(shown(runs.length), "runs"), card(shown(wrong), "failed", wrong)];
  for (const name of ["goodput", "fairness"]) {
    const values = runs.map((run) => run[name]).filter((value) => typeof value === "number");
    if (!values.length) continue;
    const digits = (value) => name === "goodput" ? `${(100 * value).toFixed(1)} %`
                                                 : value.toFixed(3);
    const sorted = values.sort((a, b) => a - b);
    found.push(card(`${digits(sorted[0])} to ${digits(sorted[sorted.length - 1])}`, name));
  }
  const drops = runs.map((run) => run.dropped_full ?? 0).reduce((a, b) => a + b, 0);
  found.push(card(shown(drops), "frames dropped by full buffers"));
  return found;
}

function columns(name) {
  const all = DATA.tables[name].columns;
  const first = ["run", ...Object.keys(DATA.axes), "goodput", "fairness", "dropped_full", "lost"];
  const of = [...first.filter((column) => all.includes(column)),
              ...all.filter((column) => !first.includes(column) && column !== "command")];
  return all.includes("command") ? [...of, "command"] : of;
}

function sorted(rows) {
  const name = view.sort.replace(/^-/, ""), sign = view.sort.startsWith("-") ? -1 : 1;
  if (!name) return rows;
  const empty = (value) => value === null || value === undefined || value === "";
  return [...rows].sort((a, b) => {
    const [left, right] = [a[name], b[name]];
    if (empty(left) || empty(right)) return empty(left) - empty(right);
    return sign * (typeof left === "number" && typeof right === "number"
                   ? left - right : String(left).localeCompare(String(right)));
  });
}

function showTable() {
  const words = view.words.toLowerCase(), names = columns(view.table);
  const rows = sorted(tables[view.table].filter((row) => kept(row) && (!words
    || names.some((name) => String(row[name] ?? "").toLowerCase().includes(words)))));
  const isWords = (name) => tables[view.table].some((row) => typeof row[name] === "string");
  const head = node("tr");
  for (const name of names) {
    const mark = view.sort === name ? " ▲" : view.sort === `-${name}` ? " ▼" : "";
    const cell = node("th", { class: isWords(name) ? "words" : "", tabindex: 0 }, name + mark);
    cell.onclick = () => {
      view.sort = view.sort === `-${name}` ? name : `-${name}`;
      writeAddress();
    };
    cell.onkeydown = (event) => { if (event.key === "Enter") cell.onclick(); };
    head.append(cell);
  }
  byId("table").tHead.replaceChildren(head);
  byId("table").tBodies[0].replaceChildren(...rows.slice(0, MOST_ROWS).map((row) =>
    node("tr", {}, ...names.map((name) =>
      node("td", { class: isWords(name) ? "words" : "" }, shown(row[name]))))));
  const { all, rows: there } = DATA.tables[view.table];
  byId("count").textContent = `${shown(rows.length)} rows`
    + (rows.length > MOST_ROWS ? `, the first ${shown(MOST_ROWS)} are shown` : "")
    + (all > there.length ? `; the CSV file has ${shown(all)}` : "");
}

function show() {
  const runs = (tables.runs ?? []).filter(kept);
  byId("filters").replaceChildren(...Object.entries(DATA.axes).filter(([, values]) =>
    values.length > 1).map(([name, values]) => axisFilter(name, values)));
  byId("filters").hidden = !several().length;
  byId("cards").replaceChildren(...cards(runs));
  byId("charts").replaceChildren(...[figure(runs, "goodput"), figure(runs, "fairness"),
                                     queue(runs), times()].filter(Boolean));
  byId("tabs").replaceChildren(...Object.keys(tables).map((name) => {
    const tab = node("button", { "aria-pressed": name === view.table }, name);
    tab.onclick = () => { view.table = name; view.sort = ""; writeAddress(); };
    return tab;
  }));
  byId("words").value = view.words;
  if (tables[view.table]) showTable();
}

const fixed = Object.entries(DATA.fixed).map(([name, value]) => `${name} ${value}`).join(", ");
byId("about").textContent = `revision ${DATA.revision}${fixed ? `; everywhere: ${fixed}` : ""}`;
byId("words").oninput = (event) => { view.words = event.target.value; writeAddress(); };
window.onhashchange = () => { readAddress(); show(); };
readAddress();
show();
