// What detectors and label-free estimates say at each epoch, beside what is known to have happened.

import { chart, roomOf, timeAxis } from "./chart.js";
import { fold, h, patch } from "./dom.js";
import { eventTime, fixed, interval, number, words } from "./format.js";
import { state } from "./store.js";
import { waiting } from "./summary.js";
import { none, numbers, table } from "./table.js";

const MOST_LINES = 7; // as many as there are colours

export function drawDrift() {
  const host = document.getElementById("drift-charts");
  if (!state.drift) {
    patch(host, none(waiting("drift")));
    return;
  }
  const { reports, known_shifts: shifts } = state.drift;
  if (!reports.length) {
    patch(host, none("No drift report yet: nothing watches, or no epoch has come."), known(shifts));
    return;
  }
  const { unit_min, ...axis } = timeAxis(reports.map((one) => one.at_min));
  const marks = (shifts ?? []).map((one) => ({ x: one.at_min / unit_min, text: one.what }));
  const base = {
    ...axis,
    width: roomOf(document.getElementById("flow-charts")),
    marks,
  };
  const charts = [alarms(reports, base), estimates(reports, base)];
  patch(host, h("div", { class: "two" }, charts), known(shifts), latest(reports.at(-1)));
}

function alarms(reports, base) {
  const detectors = [...new Set(reports.flatMap((one) => one.signals.map(({ detector }) => detector)))];
  const count = (report, name) =>
    report.signals.filter((one) => one.detector === name).reduce((sum, one) => sum + one.alarms.length, 0);
  return chart({
    ...base,
    key: "alarms",
    title: "Alarms per epoch",
    about: "By detector, over all streams that it watches.",
    y_title: "alarms",
    step: false,
    showY: (value) => number(value),
    series: detectors.slice(0, MOST_LINES).map((name) => ({
      name: words(name),
      ys: reports.map((one) => count(one, name)),
    })),
    empty: "No detector has reported.",
  });
}

function estimates(reports, base) {
  const metrics = [...new Set(reports.flatMap((one) => one.estimates.map(({ metric }) => metric)))].slice(0, 4);
  const of = (name, what) =>
    reports.map((report) => {
      const one = report.estimates.find(({ metric }) => metric === name);
      return one?.valid ? (one[what] ?? null) : null;
    });
  return chart({
    ...base,
    key: "estimates",
    title: "Estimated performance without labels",
    about: "Drawn only where the estimate's assumptions hold.",
    y_title: "share or score",
    showY: (value) => fixed(value, 3),
    series: metrics.map((name) => ({ name: words(name), ys: of(name, "value") })),
    bands: metrics.map((name, i) => ({
      name: `${words(name)}, interval`,
      low: of(name, "low"),
      high: of(name, "high"),
      colour: i,
    })),
    empty: "No estimate is valid yet; the table below says why.",
  });
}

function known(shifts) {
  if (!shifts?.length) return none("No simulated shift is known: none was announced by an attached scenario.");
  const told = shifts.map(({ what, at_min, run }) => `${what} from ${eventTime(at_min)} (${run})`);
  return h("p", {}, `Known shifts: ${told.join("; ")}.`);
}

function latest(report) {
  const { epoch, cases, signals, estimates: told } = report;
  const title = `Epoch ${number(epoch)}: ${number(cases)} cases, ${signals.length} signals`;
  return fold("drift-latest", title, () => [
    table({
      label: "Signals of the latest epoch",
      caption: "Signals",
      columns: ["Detector", "Stream", numbers("Value"), numbers("p"), "Alarms"],
      rows: signals.map((one) => ({
        cells: [
          words(one.detector),
          one.stream,
          fixed(one.value, 4),
          fixed(one.p_value, 4),
          one.alarms.length ? one.alarms.map(eventTime).join(", ") : "none",
        ],
      })),
    }),
    table({
      label: "Estimates of the latest epoch",
      caption: "Estimates",
      columns: ["Metric", "Value (interval)", "Valid", "Why"],
      rows: told.map((one) => ({
        cells: [
          words(one.metric),
          interval(one, (value) => fixed(value, 3)),
          one.valid ? "✔ yes" : "✖ no",
          one.reason,
        ],
      })),
    }),
  ]);
}
