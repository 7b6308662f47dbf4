// Runs of scenarios: start, watch, cancel, read the report.

import { get, post, unique } from "./api.js";
import { act, h, patch } from "./dom.js";
import { refresh } from "./feeds.js";
import { NONE, clock, number, words } from "./format.js";
import { announce, changed, state } from "./store.js";
import { waiting } from "./summary.js";

const OVER = ["done", "finished", "failed", "cancelled", "canceled", "succeeded", "interrupted"];
const RUNS_SHOWN = 20;

let said = null;
let once = unique();

export function startRuns() {
  act("start-run", start);
  act("cancel-run", cancel);
  document.getElementById("run-form").addEventListener("input", () => {
    once = unique();
  });
}

const idOf = (run) => run.run_id ?? run.id;

async function start(form) {
  const yaml = form.elements.yaml.value.trim();
  const name = form.elements.scenario.value;
  if (!yaml && !name) {
    said = { bad: true, text: "Choose a scenario or paste one." };
  } else {
    try {
      const { told } = await post("/v1/runs", yaml ? { yaml } : { scenario: name }, { once });
      said = { text: `Run ${idOf(told)} is queued.` };
      once = unique();
    } catch (error) {
      said = { bad: true, text: error.message };
    }
  }
  announce(said.text);
  refresh("runs");
  changed("runs");
}

async function cancel({ dataset: { id } }) {
  try {
    const path = `/v1/runs/${encodeURIComponent(id)}`;
    const run = await get(path);
    const more = run.etag ? { "If-Match": run.etag } : {};
    await post(`${path}/cancel`, {}, { more });
    said = { text: `Run ${id} is being cancelled.` };
  } catch (error) {
    said = { bad: true, text: error.message };
  }
  announce(said.text);
  refresh("runs");
  changed("runs");
}

const scenarioName = (one) => (typeof one === "string" ? one : one.name);

function form() {
  const scenarios = state.scenarios?.scenarios ?? [];
  return h(
    "form",
    { "data-act": "start-run", class: "fields", "aria-label": "Start a run" },
    h("div", {}, h("label", { for: "run-scenario" }, "Scenario"),
      h("select", { id: "run-scenario", name: "scenario" }, h("option", { value: "" }, "choose"), scenarios.map((one) => h("option", { value: scenarioName(one) }, scenarioName(one))))),
    h("div", { class: "whole" }, h("label", { for: "run-yaml" }, "or a scenario of your own, as YAML"), h("textarea", { id: "run-yaml", name: "yaml", rows: 4, spellcheck: "false" })),
    h("div", {}, h("button", { type: "submit" }, "Start run")),
    h("p", { class: said?.bad ? "problem whole" : "muted whole", id: "run-said" }, said?.text ?? (scenarios.length ? "" : waiting("scenarios"))),
  );
}

export function drawRuns() {
  patch(document.getElementById("run-form"), form());
  const host = document.getElementById("run-list");
  if (!state.runs) {
    patch(host, h("p", { class: "none" }, waiting("runs")));
    return;
  }
  const runs = state.runs.runs.slice(0, RUNS_SHOWN);
  if (!runs.length) {
    patch(host, h("p", { class: "none" }, "No run was started yet."));
    return;
  }
  patch(host, h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Runs" },
    h("table", {}, h("caption", {}, "Runs, newest first"),
      h("thead", {}, h("tr", {}, ["Run", "State", "Progress", "Started", "Report or cancel"].map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, runs.map(row))),
  ));
}

function progress(run) {
  const told = run.progress;
  const share = typeof told === "number" ? told : told?.total ? told.done / told.total : null;
  if (share == null) return NONE;
  const steps = told?.total ? `, ${number(told.done)} of ${number(told.total)}` : "";
  return [
    h("progress", { max: 1, value: share.toFixed(3), "aria-label": `Progress of run ${idOf(run)}` }),
    ` ${(100 * share).toFixed(0)} %${steps}`,
  ];
}

function row(run) {
  const id = idOf(run);
  const path = `/v1/runs/${encodeURIComponent(id)}`;
  const over = OVER.includes(run.state);
  return h(
    "tr",
    { "data-key": id },
    h("th", { scope: "row" }, run.scenario ?? run.name ?? id, h("small", {}, ` ${id}`)),
    h("td", {}, words(run.state), run.error ? h("small", {}, ` ${run.error.detail ?? run.error}`) : ""),
    h("td", {}, progress(run)),
    h("td", {}, clock(run.started_unix_s ?? run.created_unix_s)),
    h("td", {},
      !over ? h("button", { type: "button", "data-act": "cancel-run", "data-id": id, "aria-label": `Cancel run ${id}` }, "Cancel") : null,
      run.report || ["done", "finished", "succeeded"].includes(run.state) ? h("a", { href: run.report ?? `${path}/report` }, "Report", h("span", { class: "heard" }, ` of run ${id}`)) : null,
    ),
  );
}
