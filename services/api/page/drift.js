// What detectors and label-free estimates say at each epoch, beside what is known to have happened.

import { chart, roomOf, timeAxis } from "./chart.js";
import { h, patch } from "./dom.js";
import { NONE, eventTime, fixed, interval, number, words } from "./format.js";
import { state } from "./store.js";
import { waiting } from "./summary.js";

export function drawDrift() {
  const host = document.getElementById("drift-charts");
  if (!state.drift) {
    patch(host, h("p", { class: "none" }, waiting("drift")));
    return;
  }
  const { reports, known_shifts: shifts } = state.drift;
  if (!reports.length) {
    patch(host, h("p", { class: "none" }, "No drift report yet: nothing watches, or no epoch has come."), known(shifts));
    return;
  }
  const { unit_min, ...axis } = timeAxis(reports.map((one) => one.at_min));
  const marks = (shifts ?? []).map((one) => ({ x: one.at_min / unit_min, text: one.what }));
  const base = {
    ...axis,
    width: roomOf(document.getElementById("flow-charts")),
    marks,
  };
  patch(host, h("div", { class: "two" }, alarms(reports, base), estimates(reports, base)), known(shifts), latest(reports.at(-1)));
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
    series: detectors.slice(0, 7).map((name) => ({ name: words(name), ys: reports.map((one) => count(one, name)) })),
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
    bands: metrics.map((name, i) => ({ name: `${words(name)}, interval`, low: of(name, "low"), high: of(name, "high"), colour: i })),
    empty: "No estimate is valid yet; the table below says why.",
  });
}

function known(shifts) {
  if (!shifts?.length) return h("p", { class: "none" }, "No simulated shift is known: none was announced by an attached scenario.");
  return h("p", {}, "Known shifts: ", shifts.map((one) => `${one.what} from ${eventTime(one.at_min)}${one.run ? ` (${one.run})` : ""}`).join("; "), ".");
}

function latest(report) {
  return h(
    "details",
    {},
    h("summary", {}, `Epoch ${number(report.epoch)} in full: ${number(report.cases)} cases, ${report.signals.length} signals`),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Signals of the latest epoch" },
      h("table", {}, h("caption", {}, "Signals"),
        h("thead", {}, h("tr", {}, ["Detector", "Stream", "Alarms", "Value", "p"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, report.signals.map((one) =>
          h("tr", {}, h("th", { scope: "row" }, words(one.detector)), h("td", {}, one.stream),
            h("td", {}, one.alarms.length ? one.alarms.map(eventTime).join(", ") : "none"),
            h("td", { class: "n" }, fixed(one.value, 4)), h("td", { class: "n" }, one.p_value == null ? NONE : fixed(one.p_value, 4)))))),
      h("table", {}, h("caption", {}, "Estimates"),
        h("thead", {}, h("tr", {}, ["Metric", "Value (interval)", "Valid", "Why"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, report.estimates.map((one) =>
          h("tr", {}, h("th", { scope: "row" }, words(one.metric)), h("td", {}, interval(one, (v) => fixed(v, 3))),
            h("td", {}, one.valid ? "✔ yes" : "✖ no"), h("td", {}, one.reason))))),
    ),
  );
}
