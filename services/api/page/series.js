// Arrivals, verdicts and waits over the twin's own time.

import { chart, roomOf, timeAxis } from "./chart.js";
import { patch } from "./dom.js";
import { minutes, number, words } from "./format.js";
import { state } from "./store.js";
import { presentOnly, waiting } from "./summary.js";
import { none } from "./table.js";

const MOST_BINS = 1000;
const NODES_SHOWN = 7; // as many as there are colours

export function drawSeries() {
  const host = document.getElementById("flow-charts");
  if (state.at !== null) {
    patch(host, presentOnly());
    return;
  }
  if (!state.series) {
    patch(host, none(waiting("series")));
    return;
  }
  const { bin_min } = state.series;
  const bins = filled(state.series);
  const width = roomOf(host);
  const { unit_min, ...axis } = timeAxis(bins.map((one) => one.from_min));
  const { xs } = axis;
  const time = { ...axis, width };
  const of = (name) => bins.map((one) => one[name] ?? 0);
  const shifts = (state.drift?.known_shifts ?? []).map((one) => ({ x: one.at_min / unit_min, text: one.what }));
  const marks = shifts.filter(({ x }) => xs.length && x >= xs[0] && x <= xs.at(-1));
  patch(
    host,
    chart({
      ...time,
      key: "arrivals",
      title: "Arrivals and verdicts",
      about: `Cases in each ${minutes(bin_min)} of the twin's time.`,
      y_title: "cases",
      step: true,
      showY: (value) => number(value),
      series: [
        { name: "arrivals", ys: of("arrivals") },
        { name: "verdicts", ys: of("verdicts") },
        { name: "of them malignant", ys: of("flagged") },
        { name: "labels", ys: of("labels") },
      ],
      marks,
      empty: "No case has arrived yet.",
    }),
    waits(bins, time),
  );
}

/** Return all bins: the API leaves out those in which nothing happened. */
function filled({ bins, bin_min }) {
  const found = [];
  for (const one of bins) {
    const last = found.at(-1);
    const missing = last ? Math.round((one.from_min - last.from_min) / bin_min) - 1 : 0;
    for (let i = 1; i <= Math.min(missing, MOST_BINS); i += 1) {
      found.push({ from_min: last.from_min + i * bin_min });
    }
    found.push(one);
  }
  return found;
}

const upTo = (low, high) => ({ name: "up to the 95th percentile", low, high });

function waits(bins, time) {
  const names = [...new Set(bins.flatMap((one) => Object.keys(one.wait_min ?? {})))];
  const shown = names.slice(0, NODES_SHOWN);
  const of = (name, what) => bins.map((one) => one.wait_min?.[name]?.[what] ?? null);
  const left = names.length - shown.length;
  return chart({
    ...time,
    key: "waits",
    title: "Waits of cases that closed",
    about: `Mean queueing per node${left ? ` (${left} more nodes are not shown)` : ""}.`,
    y_title: "minutes",
    showY: (value) => minutes(value),
    series: shown.map((name) => ({ name: words(name), ys: of(name, "mean") })),
    bands: shown.length === 1 ? [upTo(of(shown[0], "mean"), of(shown[0], "p95"))] : [],
    empty: "No case has closed yet, so no wait is known.",
  });
}
