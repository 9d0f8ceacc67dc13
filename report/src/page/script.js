"use strict";

// Light, dark, or as the system has it: the choice is kept where the browser lets a file keep anything.
const root = document.documentElement;
const remember = (theme) => { try { localStorage.setItem("inflight-theme", theme); } catch { /* not kept */ } };
try { root.dataset.theme = localStorage.getItem("inflight-theme") || ""; } catch { /* as the system has it */ }
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember(root.dataset.theme);
});

// Tables sort by a click on a column: figures by their value, the largest first on a second click.
const value = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.v === undefined ? cell.textContent : Number.parseFloat(cell.dataset.v);
};
const before = (a, b) => {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
};
for (const head of document.querySelectorAll("thead th")) {
  head.querySelector("button").addEventListener("click", () => {
    const ascending = head.ariaSort !== "ascending";
    for (const other of head.parentNode.cells) other.ariaSort = "none";
    head.ariaSort = ascending ? "ascending" : "descending";
    const body = head.closest("table").tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: value(row, head.cellIndex) }));
    rows.sort((a, b) => {
      const order = before(a.key, b.key);
      return ascending || typeof a.key !== typeof b.key ? order : -order;
    });
    body.append(...rows.map((entry) => entry.row));
  });
}

// A table as CSV, with its figures as they were measured and their units in the names of the columns: of an
// interval both ends. No text can begin a formula of a spreadsheet.
const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const harmless = (text) => (/^[=+@]/.test(text) || (text.startsWith("-") && Number.isNaN(Number(text))) ? `'${text}` : text);
const csv = (table) => {
  const heads = [...table.tHead.rows[0].cells];
  const lines = [heads.flatMap((head) => head.dataset.key.split(" "))];
  for (const row of table.tBodies[0].rows) {
    lines.push([...row.cells].flatMap((cell, column) => {
      const keys = heads[column].dataset.key.split(" ");
      if (cell.dataset.v !== undefined) return cell.dataset.v.split(" ");
      if (heads[column].classList.contains("n")) return keys.map(() => ""); // not measured
      return [cell.textContent === "–" ? "" : harmless(cell.dataset.whole ?? cell.textContent)];
    }));
  }
  return lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n";
};
const copied = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
};
for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    const label = button.textContent;
    try {
      await copied(csv(button.parentNode.nextElementSibling.querySelector("table")));
      button.textContent = "copied";
    } catch {
      button.textContent = "the browser does not allow it";
    }
    setTimeout(() => { button.textContent = label; }, 1600);
  });
}

// Tooltips. Without this script a mark's title is its tooltip; here it moves, so that it does not show twice.
const tip = document.getElementById("tip");
const titles = new WeakMap();
const titleOf = (mark) => {
  if (!titles.has(mark)) {
    const title = mark.querySelector(":scope > title");
    titles.set(mark, title.textContent);
    title.remove();
  }
  return titles.get(mark);
};
let current = null;
const hide = () => {
  tip.hidden = true;
  current?.classList.remove("on");
  current = null;
};
const show = (mark, text, x, y) => {
  if (current !== mark) {
    hide();
    current = mark;
    mark.classList.add("on");
  }
  if (tip.textContent !== text) tip.textContent = text;
  tip.hidden = false;
  const gap = 14;
  const width = document.documentElement.clientWidth;
  const left = x + gap + tip.offsetWidth > width ? x - gap - tip.offsetWidth : x + gap;
  const top = y + gap + tip.offsetHeight > innerHeight ? y - gap - tip.offsetHeight : y + gap;
  tip.style.left = `${Math.max(4, Math.min(left, width - tip.offsetWidth - 4)) + scrollX}px`;
  tip.style.top = `${Math.max(4, top) + scrollY}px`;
};

// Where requests are many, a path holds those of a whole process: the one beneath the pointer is looked up.
const time = (ns) => {
  const [size, unit] = ns < 1e6 ? [1e3, "µs"] : ns < 1e9 ? [1e6, "ms"] : [1e9, "s"];
  return `${Number((ns / size).toPrecision(3))} ${unit}`;
};
const flights = new WeakMap();
const flightsOf = (lanes) => {
  if (!flights.has(lanes)) {
    const found = [];
    for (const path of lanes.querySelectorAll("path")) {
      let x = 0, y = 0;
      for (const [, command, first, second] of path.getAttribute("d").matchAll(/([Mmh])(\d+)(?: (\d+))?/g)) {
        if (command === "M") [x, y] = [Number(first), Number(second)];
        else if (command === "m") x += Number(first);
        else { found.push([x, x + Number(first), y, path.classList]); x += Number(first); }
      }
    }
    flights.set(lanes, found);
  }
  return flights.get(lanes);
};
const flightAt = (lanes, event) => {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(lanes.getScreenCTM().inverse());
  const near = 30;
  let best = null, least = near;
  for (const flight of flightsOf(lanes)) {
    const apart = Math.max(flight[0] - at.x, at.x - flight[1], 0) + Math.abs(flight[2] - at.y);
    if (apart < least) [best, least] = [flight, apart];
  }
  if (!best) return null;
  const ns = Number(lanes.dataset.nsPerUnit);
  const failed = best[3].contains("bad") ? " that failed" : "";
  const span = `from ${time(best[0] * ns)} to ${time(best[1] * ns)}`;
  if (best[3].contains("many")) return `many short requests${failed}\n${span}`;
  return `a request${failed}\n${span}: about ${time((best[1] - best[0]) * ns)}`;
};
const text = (mark, event) => {
  const lanes = mark.querySelector(":scope > .lanes");
  const all = titleOf(mark);
  return (lanes && event && flightAt(lanes, event)) || all;
};
const point = (event) => {
  chosen = false;
  const mark = event.target.closest?.(".mark");
  if (mark) show(mark, text(mark, event), event.clientX, event.clientY);
  else hide();
};
document.addEventListener("pointermove", point);
document.addEventListener("pointerdown", point);
// What the pointer was on scrolls away from beneath it; what the keyboard chose stays chosen.
let chosen = false;
document.addEventListener("scroll", () => chosen || hide(), { passive: true });

// By keyboard: a chart takes the focus, and arrows go from mark to mark.
for (const svg of document.querySelectorAll("svg")) {
  let place = -1;
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") hide();
    if (!step) return;
    const marks = [...svg.querySelectorAll(".mark")];
    if (!marks.length) return;
    event.preventDefault();
    place = (place + step + marks.length) % marks.length;
    marks[place].scrollIntoView({ block: "nearest", behavior: "instant" });
    chosen = true;
    const box = marks[place].getBoundingClientRect();
    show(marks[place], text(marks[place]), box.left + box.width / 2, box.top + box.height / 2);
  });
  svg.addEventListener("blur", hide);
}
