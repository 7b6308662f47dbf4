// Moving in time: every record has a revision, and the twin can be shown as of each of them.

import { get, query } from "./api.js";
import { act, h, patch } from "./dom.js";
import { refresh } from "./feeds.js";
import { input } from "./fields.js";
import { clock, number, words } from "./format.js";
import { announce, changed, state } from "./store.js";
import { none, numbers, table } from "./table.js";

const SETTLED_MS = 200; // while a slider is dragged, only where it rests is asked for
const STEP_SHARE = 50; // Page Up and Page Down, and the wide buttons: a fiftieth of all

let timer = null;
let wanted = null; // where the slider is, before it is asked for
let difference = null;

function show(revision) {
  const last = state.present?.history?.last_revision;
  state.at = revision === null || (last && revision >= last) ? null : revision;
  wanted = state.at;
  if (state.at === null) state.twin = state.present;
  refresh();
  changed("clock", "twin", "time", "components", "at");
}

/** Show the present again. */
export function backToLive() {
  clearTimeout(timer);
  show(null);
}

function move(revision) {
  const { first_revision: first, last_revision: last } = state.present.history;
  wanted = Math.max(first, Math.min(last, Math.round(revision)));
  clearTimeout(timer);
  timer = setTimeout(() => show(wanted), SETTLED_MS);
  changed("time");
}

function where() {
  return wanted ?? state.at ?? state.present?.history?.last_revision ?? 0;
}

export function startTime() {
  act("live", () => {
    backToLive();
    document.getElementById("slider-range")?.focus();
    announce("Back to live.");
  });
  act("step", (button) => move(where() + Number(button.dataset.by)));
  act("difference", compare);
  document.getElementById("slider").addEventListener("input", (event) => {
    if (event.target.id === "slider-range") move(Number(event.target.value));
  });
}

async function compare(form) {
  const from = form.elements.from.value;
  const to = form.elements.to.value;
  try {
    difference = { told: await get(`/v1/twin/difference${query({ from, to })}`) };
  } catch (error) {
    difference = { problem: error.message };
  }
  changed("time");
}

export function drawTime() {
  const host = document.getElementById("slider");
  const history = state.present?.history;
  if (!history?.last_revision) {
    patch(host, none("No record was folded yet: there is no past to look at."));
    return;
  }
  const { first_revision: first, last_revision: last } = history;
  const at = where();
  const step = Math.max(1, Math.round((last - first) / STEP_SHARE));
  const live = wanted === null && state.at === null;
  const when = live ? "now" : state.at === at ? clock(state.twin?.as_of?.folded_unix_s) : "…";
  const revision = { type: "number", min: first, required: true };
  const by = (n, text, label) =>
    h("button", { type: "button", "data-act": "step", "data-by": n, "aria-label": label }, text);
  patch(
    host,
    h(
      "label",
      { for: "slider-range" },
      "Show the twin as of revision ",
      h("output", {}, `${number(at)} of ${number(last)}, ${when}`),
    ),
    h("input", {
      type: "range",
      id: "slider-range",
      min: first,
      max: last,
      "aria-valuetext": `revision ${at}, ${when}`,
    }),
    h(
      "div",
      { class: "row" },
      by(-step, "« ", `Back by ${step} revisions`),
      by(-1, "‹ ", "Back by one revision"),
      by(1, " ›", "Forward by one revision"),
      by(step, " »", `Forward by ${step} revisions`),
      h("span", { class: "muted" }, `kept since ${clock(history.first_unix_s)}`),
    ),
    h(
      "details",
      {},
      h("summary", {}, "Difference between two moments"),
      h(
        "form",
        { "data-act": "difference", class: "inline" },
        input("From revision", "from-revision", "from", { ...revision, value: first }),
        input("to", "to-revision", "to", { ...revision, value: last }),
        h("button", { type: "submit" }, "Compare"),
      ),
      h("div", { role: "status", id: "difference" }, differenceTable()),
    ),
  );
  const range = document.getElementById("slider-range");
  if (document.activeElement !== range || live) range.value = at;
}

const plain = (value) =>
  value == null ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value);

function rows(title, changes) {
  return Object.entries(changes ?? {})
    .map(([name, one]) => [`${title} ${words(name)}`, ...(Array.isArray(one) ? one : ["", one])])
    .filter(([, before, after]) => plain(before) !== plain(after))
    .map(([name, before, after]) => ({ cells: [name, plain(before), plain(after)] }));
}

function differenceTable() {
  if (!difference) return null;
  if (difference.problem) return h("p", { class: "problem" }, difference.problem);
  const told = difference.told;
  const found = [
    ...rows("count of", told.counts),
    ...rows("state of", told.components),
    ...rows("restarts of", told.restarts),
    ...rows("", told.stack ? { "stack in force": told.stack } : {}),
    ...rows("records about cases:", told.cases),
  ];
  if (!found.length) return h("p", {}, "Nothing that the twin counts differs.");
  return table({
    label: "Difference",
    caption: "What changed from the first moment to the second",
    columns: ["What", numbers(`at ${told.from_revision}`), numbers(`at ${told.to_revision}`)],
    rows: found,
  });
}
