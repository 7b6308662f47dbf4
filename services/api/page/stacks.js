// Versions of the stack: whom each trusted, why it came into force, and what was decided when.

import { chart, roomOf } from "./chart.js";
import { h, patch } from "./dom.js";
import { NONE, eventTime, fixed, number, words } from "./format.js";
import { state } from "./store.js";
import { waiting } from "./summary.js";
import { none, numbers, table } from "./table.js";

const DECISIONS_SHOWN = 12;

export function drawStacks() {
  const host = document.getElementById("weights");
  if (!state.stacks) {
    patch(host, none(waiting("stacks")));
    return;
  }
  const { versions, decisions, orders, note } = state.stacks;
  if (!versions.length) {
    const missing = "No version was announced: this twin has no re-stacking, or no epoch has come.";
    const why = note && h("p", { class: "muted" }, note);
    patch(host, none(missing), why, list("Orders", orders, orderWords));
    return;
  }
  const names = [...new Set(versions.flatMap((one) => Object.keys(one.weights ?? {})))];
  patch(
    host,
    chart({
      key: "weights",
      title: "Weights of the learners",
      about: "What a learner's log-odds are multiplied by, through versions.",
      xs: versions.map((one) => one.version),
      whole: true,
      x_title: "version of the stack",
      y_title: "weight",
      showX: (value) => `version ${value}`,
      showY: (value) => fixed(value, 3),
      width: roomOf(host),
      series: names.map((name) => ({
        name: words(name),
        ys: versions.map((one) => one.weights?.[name] ?? null),
      })),
      empty: "No version has weights.",
    }),
    versionTable(versions),
    h(
      "div",
      { class: "two" },
      list("Decisions", decisions, decisionWords),
      list("Orders", orders, orderWords),
    ),
  );
}

function versionTable(versions) {
  return table({
    label: "Versions of the stack",
    caption: "Versions, newest first",
    columns: [
      "Version", "How", "In force since", numbers("Parent"), numbers("Threshold"),
      numbers("Labels"), numbers("Malignant"), "Why",
    ],
    rows: [...versions].reverse().map((one) => ({
      key: `v${one.version}`,
      cells: [
        `${one.version}${one.in_force ? ", in force" : ""}`,
        words(one.how),
        eventTime(one.since_min),
        one.parent ?? NONE,
        fixed(one.threshold, 3),
        number(one.labels),
        number(one.malignant),
        one.reason,
      ],
    })),
  });
}

function list(title, entries, show) {
  const newest = [...(entries ?? [])].reverse().slice(0, DECISIONS_SHOWN);
  return h(
    "div",
    {},
    h("h3", {}, title),
    newest.length
      ? h("ul", { class: "plain" }, newest.map((one) => h("li", {}, show(one))))
      : none("none yet"),
  );
}

function decisionWords(one) {
  const verdict = one.verdict;
  const facts = [one.how && words(one.how), `version ${one.version}`, `${number(one.labels)} labels`];
  return [
    h("strong", {}, `Epoch ${number(one.epoch)} (${eventTime(one.at_min)}): ${words(verdict)}`),
    ` ${facts.filter(Boolean).join(", ")}`,
    one.reason ? h("p", {}, one.reason) : "",
  ];
}

function orderWords(one) {
  return [
    h("strong", {}, `Back to version ${one.version}`),
    ` by ${one.by}, ${eventTime(one.at_min)}; `,
    one.reason ?? "",
  ];
}
