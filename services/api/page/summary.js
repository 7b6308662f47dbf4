// The twin at a glance: counts, the stack in force, what drives it, and all that is degraded.

import { h, patch } from "./dom.js";
import { counted, eventTime, fixed, milliseconds, minutes, number, words } from "./format.js";
import { state } from "./store.js";
import { none } from "./table.js";

const MAIN = [
  ["cases", "cases arrived"],
  ["verdicts", "verdicts"],
  ["rejections", "rejected"],
  ["closed", "cases closed"],
  ["labels", "labels that count"],
];

export function drawSummary() {
  const twin = state.twin;
  const host = document.getElementById("summary");
  if (!twin) {
    patch(host, none(waiting("twin")));
    return;
  }
  patch(
    host,
    h(
      "dl",
      { class: "tiles" },
      MAIN.map(([name, title]) => tile(title, number(twin.counts[name] ?? 0))),
      twin.stack
        ? tile("stack in force", `version ${twin.stack.version}`, stackWords(twin.stack))
        : tile("stack in force", "the model's own", "no version was announced"),
      tile("sending to answer, p95", milliseconds(twin.latency_ms?.p95), answered(twin)),
    ),
    (twin.attached ?? []).map(attached),
    degraded(),
  );
}

function tile(title, value, more = "") {
  return h("div", {}, h("dt", {}, title), h("dd", {}, value, more && h("small", {}, more)));
}

function answered(twin) {
  return twin.latency_ms ? "over the last minute" : "nothing answered in the last minute";
}

function stackWords(stack) {
  return `${words(stack.how)}, threshold ${fixed(stack.threshold, 3)}, since ${eventTime(stack.since_min)}`;
}

function attached(one) {
  const total = one.patients_total;
  return h(
    "p",
    { class: "attached", "data-key": `attached-${one.tag ?? one.name}` },
    h("strong", {}, `Scenario ${one.name}`),
    ` (${words(one.state ?? "attached")}): ${number(one.patients_done ?? 0)}`,
    total ? ` of ${counted(total, "patient")}` : " patients",
    one.speed ? `, at ${number(one.speed)} × real time` : "",
    one.horizon_min ? `, horizon ${minutes(one.horizon_min)}` : "",
    ". ",
    one.question ?? "",
  );
}

function degraded() {
  const told = state.at === null ? (state.beat?.degraded ?? state.twin.degraded) : state.twin.degraded;
  const found = (told ?? []).map((one) =>
    typeof one === "string" ? one : `${one.what}: ${one.why}`,
  );
  if (!found.length) return h("p", { class: "none", id: "degraded" }, "✔ Nothing is degraded.");
  return h(
    "div",
    { class: "note-warn", id: "degraded" },
    h("h3", {}, `▲ ${counted(found.length, "thing")} to know`),
    h("ul", {}, found.map((one) => h("li", {}, one))),
  );
}

/** Return what a part says that is known of the present only; null at the present. */
export function presentOnly() {
  if (state.at === null) return null;
  return none("Known of the present only: no past of it is kept.");
}

/** Return what an empty part says: that it was refused and why, or that it is awaited. */
export function waiting(feed) {
  const problem = state.refused[feed];
  if (!problem) return "Waiting for the API…";
  if (problem.status === 404) return "Not available: this server does not offer it.";
  return problem.status === 0
    ? `No answer yet: ${problem.message}.`
    : `Not available: ${problem.message}`;
}
