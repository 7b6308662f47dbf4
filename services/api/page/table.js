// Tables that scroll within themselves: a wide one never makes the page wide.

import { h } from "./dom.js";

/** Return the heading of a column of numbers. */
export function numbers(name) {
  return { name, n: true };
}

/**
 * Return a table in a region of its own, which the keyboard can scroll.
 *
 * @param {object} table
 *   label: of the region; caption; columns: names, or `numbers(name)`; rows: [{key, cells}], of
 *   which the first cell names the row.
 */
export function table({ label, caption, columns, rows }) {
  const told = columns.map((one) => (typeof one === "string" ? { name: one, n: false } : one));
  const looks = told.map(({ n }) => (n ? "n" : null));
  const cell = (content, i) =>
    i === 0
      ? h("th", { scope: "row", class: looks[0] }, content)
      : h("td", { class: looks[i] }, content);
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    h(
      "table",
      {},
      caption && h("caption", {}, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          told.map(({ name }, i) => h("th", { scope: "col", class: looks[i] }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map(({ key, cells }) => h("tr", { "data-key": key }, cells.map(cell))),
      ),
    ),
  );
}

/** Return a list of names and values. */
export function pairs(entries) {
  return h(
    "dl",
    { class: "pairs" },
    entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value ?? "–"))),
  );
}

/** Return a paragraph that says what is missing. */
export function none(text) {
  return h("p", { class: "none" }, text);
}
