// One part of the pipeline in the drawer: how it is, and what became of it.

import { get } from "./api.js";
import { act, h } from "./dom.js";
import { drawerKey, openDrawer, redrawDrawer } from "./drawer.js";
import { NONE, clock, milliseconds, number, percent, rate, seconds, words } from "./format.js";
import { parts } from "./layout.js";
import { HEALTH } from "./pipeline.js";
import { state } from "./store.js";

const ENTRIES_SHOWN = 40;
const TOPICS = {
  cases: "Arrivals and departures of cases, as the engine or the API sent them.",
  verdicts: "Answers of the stack: verdicts, and rejections with their reasons.",
};

let history = null;

export function startComponent() {
  act("component", ({ dataset: { name } }) => {
    history = null;
    openDrawer(`component ${name}`, () => draw(name));
    load(name);
  });
}

/** Ask for the open component's history again, as after news of it. */
export function componentChanged(name) {
  if (drawerKey() === `component ${name}`) load(name);
}

async function load(name) {
  if (parts().find((one) => one.name === name)?.kind === "topic") return;
  try {
    const path = `/v1/components/${encodeURIComponent(name)}/history`;
    history = await get(path);
    const at = state.at ?? Infinity; // what came later is no part of the past
    history.entries = history.entries.filter(({ revision }) => revision <= at);
  } catch (error) {
    history = { problem: error.message };
  }
  if (drawerKey() === `component ${name}`) redrawDrawer();
}

function draw(name) {
  const part = parts().find((one) => one.name === name);
  const title = part?.title ?? words(name);
  if (part?.kind === "topic") return { title: `Topic ${title}`, content: topic(part) };
  const one = (state.components?.components ?? []).find((other) => other.name === name);
  return { title, content: [one ? facts(one) : absent(name), entries()] };
}

function topic(part) {
  const lag = state.twin?.lag?.[part.topic];
  return [
    h("p", {}, TOPICS[part.name]),
    h("dl", { class: "pairs" }, pair("Records that the mirror has not folded", lag == null ? "not known" : number(lag))),
  ];
}

function absent(name) {
  return h("p", { class: "none" }, `Nothing was heard of ${words(name)} yet: it may not run in this twin.`);
}

const pair = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value ?? NONE));

function facts(one) {
  const health = HEALTH[one.health] ?? HEALTH.unknown;
  const latency = one.latency_ms;
  return h(
    "dl",
    { class: "pairs" },
    pair("Health", h("span", { class: `word ${one.health}` }, `${health.mark} ${health.word}`)),
    pair("Why", one.health_reason || NONE),
    pair("State", one.state),
    pair("Heard of", one.age_s == null ? NONE : `${seconds(one.age_s)} ago`),
    pair("Restarts", number(one.restarts)),
    pair("Reason given", one.reason || NONE),
    pair("Throughput", one.images_per_s == null ? NONE : rate(one.images_per_s, "images")),
    pair("Latency p50 / p95 / p99", latency ? ["p50", "p95", "p99"].map((p) => milliseconds(latency[p])).join(" / ") : "not measured"),
    pair("Images", number(one.images)),
    pair("Batches", number(one.batches)),
    pair("Errors", `${number(one.errors)} (${percent(one.error_rate)})`),
    pair("Busy", one.busy_s == null ? NONE : seconds(one.busy_s)),
    pair("Last input", told(one.last_input)),
    pair("Last output", told(one.last_output)),
    pair("Model", one.model_id ? h("code", {}, one.model_id) : NONE),
  );
}

/** Return something structured in words. */
function told(value) {
  if (value == null || value === "") return NONE;
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${words(name)}: ${typeof one === "object" ? JSON.stringify(one) : one}`)
    .join(", ");
}

function entries() {
  if (!history) return h("p", { class: "none", role: "status" }, "Asking for its history…");
  if (history.problem) return h("p", { class: "problem" }, history.problem);
  const newest = history.entries.slice(0, ENTRIES_SHOWN); // the API tells the newest first
  if (!newest.length) return h("p", { class: "none" }, "No change of it is on the log.");
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "History" },
    h(
      "table",
      {},
      h("caption", {}, `History, newest first (${newest.length} of ${history.entries.length})`),
      h("thead", {}, h("tr", {}, ["At", "State", "Restarts", "Reason", "Revision"].map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, newest.map((one) =>
        h("tr", { "data-key": `r${one.revision}` },
          h("td", {}, clock(one.at_unix_s)), h("td", {}, one.state), h("td", { class: "n" }, number(one.restarts)),
          h("td", {}, one.reason || NONE), h("td", { class: "n" }, number(one.revision))))),
    ),
  );
}
