// One part of the pipeline in the drawer: how it is, and what became of it.

import { get } from "./api.js";
import { act, h } from "./dom.js";
import { drawerKey, openDrawer, redrawDrawer } from "./drawer.js";
import { NONE, clock, milliseconds, number, percent, seconds, words } from "./format.js";
import { parts } from "./layout.js";
import { HEALTH, throughput } from "./pipeline.js";
import { state } from "./store.js";
import { none, numbers, pairs, table } from "./table.js";

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
    pairs([["Records that the mirror has not folded", lag == null ? "not known" : number(lag)]]),
  ];
}

function absent(name) {
  return none(`Nothing was heard of ${words(name)} yet: it may not run in this twin.`);
}

function facts(one) {
  const health = HEALTH[one.health] ?? HEALTH.unknown;
  const latency = one.latency_ms;
  const three = latency && ["p50", "p95", "p99"].map((p) => milliseconds(latency[p])).join(" / ");
  return pairs([
    ["Health", h("span", { class: `word ${one.health}` }, `${health.mark} ${health.word}`)],
    ["Why", one.health_reason || NONE],
    ["State", one.state],
    ["Heard of", one.age_s == null ? NONE : `${seconds(one.age_s)} ago`],
    ["Restarts", number(one.restarts)],
    ["Reason given", one.reason || NONE],
    ["Throughput", throughput(one) || "not measured"],
    ["Latency p50 / p95 / p99", three ?? "not measured"],
    ["Images", number(one.images)],
    ["Batches", number(one.batches)],
    ["Errors", `${number(one.errors)} (${percent(one.error_rate)})`],
    ["Busy", one.busy_s == null ? NONE : seconds(one.busy_s)],
    ["Last input", one.last_input || NONE],
    ["Last output", one.last_output || NONE],
    ["Model", one.model_id ? h("code", {}, one.model_id) : NONE],
  ]);
}

function entries() {
  if (!history) return h("p", { class: "none", role: "status" }, "Asking for its history…");
  if (history.problem) return h("p", { class: "problem" }, history.problem);
  const newest = history.entries.slice(0, ENTRIES_SHOWN); // the API tells the newest first
  if (!newest.length) return none("No change of it is on the log.");
  return table({
    label: "History",
    caption: `History, newest first (${newest.length} of ${history.entries.length})`,
    columns: ["At", "State", numbers("Restarts"), "Reason", numbers("Revision")],
    rows: newest.map((one) => ({
      key: `r${one.revision}`,
      cells: [
        clock(one.at_unix_s),
        one.state,
        number(one.restarts),
        one.reason || NONE,
        number(one.revision),
      ],
    })),
  });
}
