// The confusion matrix over cases whose label came back, and what follows from it.

import { h, patch } from "./dom.js";
import { counted, interval, number, percent } from "./format.js";
import { state } from "./store.js";
import { presentOnly, waiting } from "./summary.js";
import { none } from "./table.js";

const FIGURES = [
  ["sensitivity", "of malignant lesions, called malignant"],
  ["specificity", "of benign lesions, called benign"],
];

export function drawAccuracy() {
  const host = document.getElementById("confusion");
  const told = state.performance;
  if (state.at !== null) {
    patch(host, presentOnly());
    return;
  }
  if (!told) {
    patch(host, none(waiting("performance")));
    return;
  }
  if (!told.labelled) {
    const missing = "No labels came back yet: how often the verdicts are right is not known.";
    patch(host, none(missing));
    return;
  }
  const { tp, fp, tn, fn } = told.confusion;
  const cell = (count, kind, good) =>
    h(
      "td",
      { class: good ? "good" : "wrong" },
      h("strong", {}, number(count)),
      h("small", {}, `${good ? "✔" : "✖"} ${kind}`),
    );
  const column = (text) => h("th", { scope: "col" }, text);
  const row = (text, ...cells) => h("tr", {}, h("th", { scope: "row" }, text), cells);
  patch(
    host,
    h("p", {}, `${counted(told.labelled, "case")} with a verdict and a label that counts.`,
      told.note ? ` Beware: ${told.note}.` : ""),
    h(
      "div",
      { class: "two" },
      h(
        "table",
        { class: "confusion" },
        h("caption", {}, "Confusion matrix, cases"),
        h("thead", {}, h("tr", {}, h("td", {}), column("called malignant"), column("called benign"))),
        h("tbody", {},
          row("malignant", cell(tp, "found", true), cell(fn, "missed", false)),
          row("benign", cell(fp, "false alarm", false), cell(tn, "cleared", true)),
        ),
      ),
      h("div", {}, FIGURES.map(([name, about]) => figure(name, about, told[name]))),
    ),
  );
}

function figure(name, about, estimate) {
  if (!estimate || estimate.value == null) {
    return h("p", {}, h("strong", {}, name), " ", h("span", { class: "none" }, "no such case is labelled yet"));
  }
  const { value, low, high } = estimate;
  const at = (share) => `${(100 * Math.max(0, Math.min(1, share))).toFixed(1)}%`;
  return h(
    "div",
    { class: "estimate" },
    h("p", {}, h("strong", {}, name), ` ${interval(estimate)} `, h("small", {}, about)),
    h(
      "div",
      { class: "whisker", "aria-hidden": "true", title: percent(value) },
      low != null && high != null ? h("i", { style: `left:${at(low)};right:${at(1 - high)}` }) : null,
      h("b", { style: `left:${at(value)}` }),
    ),
  );
}
