// Making elements. Texts are only ever texts: nothing that is shown can become markup.

/** @param {Element} one @param {Record<string, any>} attributes @param {any[]} children */
function filled(one, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) one.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) one.setAttribute(name, value === true ? "" : value);
  }
  one.append(...children);
  return one;
}

/** An HTML element. @param {string} tag */
const make = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);

/** An SVG element. @param {string} tag */
const draws = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

/** A table with a head and rows whose first cell is their head. */
function makeTable(caption, head, rows) {
  const cells = (row) => row.map((cell, at) =>
    (at ? make("td", {}, cell) : make("th", { scope: "row" }, cell)));
  return make("table", {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row)))));
}

const MARKS = { found: "✓", passed: "✓", good: "✓", missed: "✕", defective: "✕",
  "false alarm": "!", "not judged": "?" };

/** @param {string} verdict */
const badge = (verdict) =>
  make("span", { class: `badge ${verdict.replace(" ", "-")}` }, `${MARKS[verdict]} ${verdict}`);

/** A button that opens an image large. @param {number} at @param {string} more */
const opener = (at, more = "") => make("button",
  { type: "button", class: "link", onclick: () => change({ image: at }) }, labelOf(at) + more);

/** Run `work` once, before the next picture is painted, however often it is asked for. */
function soon(work) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => { waits = false; work(); });
  };
}
