// Line and step charts in SVG: small, without a library, readable in light and dark, each with a
// table that says the same.

import { fold, h, s } from "./dom.js";
import { eventTime, number } from "./format.js";
import { none, numbers, table } from "./table.js";

const TALL = 244;
const EDGE = { left: 52, right: 12, top: 26, bottom: 38 }; // marks have their words on top
const DASHES = ["", "6 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 4"]; // colour is never alone
const ROWS_SHOWN = 60;
const [GAP, NARROWEST, WIDEST] = [24, 280, 1400]; // pixels

/** Return round numbers that cover a range. */
export function ticks(low, high, about = 5, least = 0) {
  if (!(high > low)) return [low];
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10, 20, 50, 100].map((m) => m * power).find((one) => one >= rough && one >= least);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) {
    found.push(Math.abs(at) < step * 1e-9 ? 0 : Number(at.toPrecision(12)));
  }
  return found;
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const one of values) {
    if (one == null || !Number.isFinite(one)) continue;
    low = Math.min(low, one);
    high = Math.max(high, one);
  }
  return [low, high];
}

/** Return an SVG path through points, broken where there is no value. */
function path(xs, ys, x, y, step) {
  let d = "";
  let pen = false;
  ys.forEach((value, i) => {
    if (value == null || !Number.isFinite(value)) {
      pen = false;
      return;
    }
    const [px, py] = [x(xs[i]).toFixed(1), y(value).toFixed(1)];
    d += pen ? (step ? `H${px}V${py}` : `L${px} ${py}`) : `M${px} ${py}`;
    pen = true;
  });
  return d;
}

function band(xs, low, high, x, y) {
  const there = xs.map((_, i) => i).filter((i) => low[i] != null && high[i] != null);
  if (there.length < 2) return "";
  const up = there.map((i) => `${x(xs[i]).toFixed(1)} ${y(high[i]).toFixed(1)}`);
  const down = there.reverse().map((i) => `${x(xs[i]).toFixed(1)} ${y(low[i]).toFixed(1)}`);
  return `M${up.join("L")}L${down.join("L")}Z`;
}

/**
 * Return a figure.
 *
 * @param {object} chart
 *   key, title, about: what it shows; xs: numbers; series: [{name, ys}]; bands: [{name, low, high}];
 *   marks: [{x, text}] as vertical lines; step: values hold until the next; zero: y begins at 0;
 *   whole: x counts something;
 *   x_title, y_title: with units; showX, showY: numbers in words; width: in pixels; empty: what
 *   is missing, where there is nothing to draw.
 */
export function chart({
  key, title, about = "", xs, series, bands = [], marks = [], step = false, zero = true, whole = false,
  x_title, y_title, showX = number, showY = (v) => number(v, 3), width = 560, empty,
}) {
  const all = [...series.flatMap(({ ys }) => ys), ...bands.flatMap((one) => [...one.low, ...one.high])];
  let [low, high] = extent(all);
  const there = high > -Infinity && xs.length > 0;
  if (!there) {
    return figure(key, title, about, none(empty));
  }
  if (zero) low = Math.min(0, low);
  if (low === high) high = low + 1;
  high += 0.04 * (high - low); // a line at the very top would be cut in half
  const [x_low, x_high] = extent([...xs, ...marks.map((one) => one.x)]);
  const span = x_high - x_low || 1;
  const x = (value) => EDGE.left + ((value - x_low) / span) * (width - EDGE.left - EDGE.right);
  const y = (value) => TALL - EDGE.bottom - ((value - low) / (high - low)) * (TALL - EDGE.top - EDGE.bottom);
  const said = `${title}. ${series.map(({ name, ys }) => `${name}: last ${showY(lastOf(ys))}`).join("; ")}.`;
  const svg = s(
    "svg",
    { viewBox: `0 0 ${width} ${TALL}`, class: "chart", role: "img", "aria-label": said },
    ticks(low, high, 4).map((at) => [
      s("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(at), y2: y(at) }),
      s("text", { class: "end", x: EDGE.left - 6, y: y(at) + 4 }, number(at, 3)),
    ]),
    ticks(x_low, x_high, width < 420 ? 3 : 6, whole ? 1 : 0).map((at) =>
      s("text", { class: "mid", x: x(at), y: TALL - EDGE.bottom + 16 }, number(at, 2)),
    ),
    s("text", { class: "mid", x: (EDGE.left + width - EDGE.right) / 2, y: TALL - 5 }, x_title),
    bands.map((one, i) =>
      s("path", { class: `band c${one.colour ?? i % 7}`, d: band(xs, one.low, one.high, x, y) }),
    ),
    series.map(({ ys, colour }, i) =>
      s("path", {
        class: `line c${(colour ?? i) % 7}`,
        "stroke-dasharray": DASHES[i % DASHES.length] || null,
        d: path(xs, ys, x, y, step),
      }),
    ),
    xs.length === 1
      ? series.map(({ ys }, i) =>
          ys[0] == null ? null : s("circle", { class: `dot c${i % 7}`, cx: x(xs[0]), cy: y(ys[0]), r: 4 }),
        )
      : null,
    marks.map((one, i) => [
      s("line", { class: "mark", x1: x(one.x), x2: x(one.x), y1: EDGE.top - 2, y2: TALL - EDGE.bottom }),
      s("text", {
        class: x(one.x) > width * 0.7 ? "marked end" : "marked",
        x: x(one.x) + (x(one.x) > width * 0.7 ? -4 : 4),
        y: i % 2 ? 22 : 10,
      }, one.text),
    ]),
  );
  const about_ = [about, y_title && `Vertical: ${y_title}.`].filter(Boolean).join(" ");
  const told = { xs, series, bands, x_title, showX, showY, title };
  const rows = fold(`chart-${key}`, "As a table", () => rowsOf(told));
  return figure(key, title, about_, [svg, legend(series, bands, marks), rows]);
}

function lastOf(ys) {
  for (let i = ys.length - 1; i >= 0; i -= 1) if (ys[i] != null) return ys[i];
  return null;
}

function figure(key, title, about, ...content) {
  const caption = h("figcaption", {}, h("h3", {}, title), about && h("p", {}, about));
  return h("figure", { "data-key": key, class: "plot" }, caption, content);
}

const same = (one, i) => (other, j) => (other.colour ?? j) === (one.colour ?? i);

function legend(series, bands, marks) {
  if (series.length + bands.length + marks.length < 2) return null;
  const entry = (name, shape) =>
    h("li", {}, s("svg", { class: "swatch", viewBox: "0 0 28 10", "aria-hidden": "true" }, shape), name);
  const line = (i) =>
    s("path", { class: `line c${i % 7}`, d: "M0 5H28", "stroke-dasharray": DASHES[i % 7] || null });
  const area = (i) => s("rect", { class: `band c${i % 7}`, width: 28, height: 10 });
  return h(
    "ul",
    { class: "keys" },
    series.map((one, i) => entry(one.name, line(one.colour ?? i))),
    // Within a band of its own colour, a band is darker.
    bands.map((one, i) =>
      entry(one.name, bands.slice(0, i + 1).filter(same(one, i)).map(() => area(one.colour ?? i))),
    ),
    marks.length
      ? entry("known onset of a simulated shift", s("path", { class: "mark", d: "M14 0V10" }))
      : null,
  );
}

function rowsOf({ xs, series, bands, x_title, showX, showY, title }) {
  const from = Math.max(0, xs.length - ROWS_SHOWN);
  const columns = [
    ...series.map(({ name, ys }) => ({ name, cell: (i) => showY(ys[i]) })),
    ...bands.map(({ name, low, high }) => ({
      name,
      cell: (i) => `${showY(low[i])} to ${showY(high[i])}`,
    })),
  ];
  const note = from ? ` (the last ${ROWS_SHOWN} of ${xs.length} rows)` : "";
  return table({
    label: `${title}, as a table`,
    caption: title + note,
    columns: [x_title, ...columns.map(({ name }) => numbers(name))],
    rows: xs.slice(from).map((one, i) => ({
      cells: [showX(one), ...columns.map(({ cell }) => cell(from + i))],
    })),
  });
}

/** Return the width that a chart may have in a host, in pixels. */
export function roomOf(host) {
  const columns = getComputedStyle(host).gridTemplateColumns;
  const count = columns && columns !== "none" ? columns.split(" ").length : 1;
  const room = (host.clientWidth - GAP * (count - 1)) / count;
  return Math.max(NARROWEST, Math.min(WIDEST, Math.floor(room)));
}

const DAY_MIN = 1440;
const IN_DAYS_FROM_MIN = 5 * DAY_MIN;

/** Return what a chart over event time has in common: hours for a few days, days for more. */
export function timeAxis(at_min) {
  const days = at_min.length && at_min.at(-1) - at_min[0] > IN_DAYS_FROM_MIN;
  const unit_min = days ? DAY_MIN : 60;
  return {
    xs: at_min.map((one) => one / unit_min),
    x_title: `twin's time, ${days ? "days" : "hours"} since its beginning`,
    showX: (value) => eventTime(value * unit_min),
    unit_min,
  };
}
