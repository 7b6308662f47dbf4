// Moving in time: every record has a revision, and the twin can be shown as of each of them.

import { get, query } from "./api.js";
import { act, h, patch } from "./dom.js";
import { refresh } from "./feeds.js";
import { clock, number, words } from "./format.js";
import { announce, changed, state } from "./store.js";

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
    patch(host, h("p", { class: "none" }, "No record was folded yet: there is no past to look at."));
    return;
  }
  const { first_revision: first, last_revision: last } = history;
  const at = where();
  const step = Math.max(1, Math.round((last - first) / STEP_SHARE));
  const live = wanted === null && state.at === null;
  const when = live ? "now" : state.at === at ? clock(state.twin?.as_of?.folded_unix_s) : "…";
  const by = (n, text, label) =>
    h("button", { type: "button", "data-act": "step", "data-by": n, "aria-label": label }, text);
  patch(
    host,
    h("label", { for: "slider-range" }, "Show the twin as of revision ", h("output", {}, `${number(at)} of ${number(last)}, ${when}`)),
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
        h("label", { for: "from-revision" }, "From revision"),
        h("input", { id: "from-revision", name: "from", type: "number", min: first, value: first, required: true }),
        h("label", { for: "to-revision" }, "to"),
        h("input", { id: "to-revision", name: "to", type: "number", min: first, value: last, required: true }),
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

function rows(title, pairs) {
  return Object.entries(pairs ?? {})
    .filter(([, pair]) => !Array.isArray(pair) || plain(pair[0]) !== plain(pair[1]))
    .map(([name, pair]) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, `${title} ${words(name)}`),
        Array.isArray(pair)
          ? [h("td", { class: "n" }, plain(pair[0])), h("td", { class: "n" }, plain(pair[1]))]
          : h("td", { class: "n", colspan: 2 }, plain(pair)),
      ),
    );
}

function differenceTable() {
  if (!difference) return null;
  if (difference.problem) return h("p", { class: "problem" }, difference.problem);
  const { from_revision: from, to_revision: to, counts, components, restarts, stack, cases } = difference.told;
  const found = [
    rows("count of", counts),
    rows("state of", components),
    rows("restarts of", restarts),
    rows("", stack ? { "stack in force": stack } : {}),
    rows("records about cases:", cases),
  ].flat();
  if (!found.length) return h("p", {}, "Nothing that the twin counts differs.");
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Difference" },
    h(
      "table",
      {},
      h("caption", {}, "What changed from the first moment to the second"),
      h(
        "thead",
        {},
        h("tr", {}, h("th", { scope: "col" }, "What"), h("th", { scope: "col", class: "n" }, `at ${plain(from)}`), h("th", { scope: "col", class: "n" }, `at ${plain(to)}`)),
      ),
      h("tbody", {}, found),
    ),
  );
}
