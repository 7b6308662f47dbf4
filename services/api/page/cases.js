// The newest cases, and the search among all of them.

import { casePath, get, query } from "./api.js";
import { act, h, patch } from "./dom.js";
import { refresh } from "./feeds.js";
import { choice, input } from "./fields.js";
import { eventTime, minutes, number, percent, words } from "./format.js";
import { showPictures, thumbnail } from "./picture.js";
import { announce, changed, state } from "./store.js";
import { waiting } from "./summary.js";
import { none } from "./table.js";

const STAGES = ["arrived", "answered", "closed", "unknown"];
const MORE_AT_MOST = 240; // a page that stays open for days must not grow without end
const TYPED_MS = 300;

let more = []; // pages that were asked for beyond the newest

export function startCases() {
  patch(document.getElementById("case-search"), form());
  act("filter", filter);
  act("more-cases", loadMore);
  let timer = null;
  document.getElementById("search-id").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => filter(document.getElementById("filter-form")), TYPED_MS);
  });
}

function form() {
  const id = { type: "search", autocomplete: "off" };
  const of = (title, name, options) =>
    choice(title, `filter-${name}`, name, [["", "any"], ...options], { "data-act": "filter" });
  return h(
    "form",
    { id: "filter-form", "data-act": "filter", role: "search", class: "fields" },
    input("Search by id", "search-id", "search", id),
    of("Stage", "stage", STAGES),
    of("Verdict", "malignant", [["true", "malignant"], ["false", "benign"]]),
    of("Label", "label", ["malignant", "benign", ["none", "none yet"]]),
  );
}

function filter() {
  const { elements } = document.getElementById("filter-form");
  for (const name of Object.keys(state.filter)) state.filter[name] = elements[name].value.trim();
  more = [];
  refresh("cases");
}

async function loadMore() {
  const after = more.length ? more.at(-1).next : state.cases.next;
  try {
    more.push(await get(`/v1/cases${query({ ...state.filter, revision: state.at, limit: 48, after })}`));
    announce(`${more.at(-1).cases.length} more cases`);
  } catch (error) {
    announce(error.message);
  }
  changed("cases");
}

export function forgetMore() {
  more = [];
}

export function drawCases() {
  const host = document.getElementById("case-list");
  if (!state.cases) {
    patch(host, none(waiting("cases")));
    return;
  }
  const seen = new Map();
  for (const page of [state.cases, ...more]) {
    for (const one of page.cases) if (!seen.has(one.case_id)) seen.set(one.case_id, one);
  }
  const shown = [...seen.values()].slice(0, MORE_AT_MOST);
  const asked = Object.values(state.filter).some(Boolean);
  if (!shown.length) {
    patch(host, none(asked ? "No case is like that." : "No case has arrived yet."));
    return;
  }
  const next = more.length ? more.at(-1).next : state.cases.next;
  const { known, dropped } = state.cases;
  const count = `${number(shown.length)} ${asked ? "that match" : "shown"} of ${number(known)} cases`;
  const older = `${number(dropped)} older cases are not searched; their ids still find them.`;
  const full = shown.length >= MORE_AT_MOST;
  patch(
    host,
    h("p", { class: "muted", id: "case-count" }, `${count}, newest first`),
    dropped ? h("p", { class: "muted" }, older) : null,
    h("ul", { class: "cards" }, shown.map(card)),
    next && !full ? h("button", { type: "button", "data-act": "more-cases" }, "Show more") : null,
    next && full ? none("Search to see others: no more are shown at once.") : null,
  );
  showPictures();
}

/** Return the verdict in words, with a sign beside the colour. */
export function verdictWords(one) {
  if (one.rejected) return h("span", { class: "word degraded" }, "▲ rejected");
  if (one.malignant == null) return h("span", { class: "word" }, "… no verdict yet");
  return one.malignant
    ? h("span", { class: "word flagged" }, "◆ malignant")
    : h("span", { class: "word well" }, "○ benign");
}

function agreement(one) {
  if (!one.label) return "no label yet";
  if (one.malignant == null) return `label ${one.label}`;
  const right = (one.label === "malignant") === one.malignant;
  return `${right ? "✔" : "✖"} label ${one.label}`;
}

function card(one) {
  return h(
    "li",
    { "data-key": one.case_id },
    h(
      "button",
      { type: "button", class: "card", "data-act": "case", "data-id": one.case_id, "aria-haspopup": "dialog" },
      one.image || one.stage !== "unknown"
        ? thumbnail(casePath(one.case_id, "/image?size=96"), 72)
        : h("span", { class: "no-picture" }, "no picture"),
      h(
        "span",
        { class: "card-text" },
        h("strong", {}, one.case_id),
        verdictWords(one),
        h("span", {}, one.p_malignant == null ? "p –" : `p ${percent(one.p_malignant)}`),
        h("small", {}, `${words(one.stage)}, ${eventTime(one.arrived_min)}`),
        h("small", {}, agreement(one), waitWords(one)),
      ),
    ),
  );
}

function waitWords(one) {
  return one.wait_min == null ? "" : `, waited ${minutes(one.wait_min)}`;
}
