// Runs of scenarios: start, watch, cancel, carry on, read the report.

import { ask, key, post, problemOf, unique } from "./api.js";
import { act, h, patch } from "./dom.js";
import { refresh } from "./feeds.js";
import { choice, input, labelled, problemWords, send } from "./fields.js";
import { NONE, clock, number, words } from "./format.js";
import { announce, changed, state } from "./store.js";
import { waiting } from "./summary.js";
import { none, table } from "./table.js";

const RUNS_SHOWN = 20;
const GOING = ["queued", "running"];

const ROUTES = [["inprocess", "on its own"], ["attach", "into this twin"]];
const GATES = {
  pass: "✔ gates pass",
  fail: "✖ a gate fails",
  inconclusive: "▲ gates are inconclusive",
};

let said = null; // {message, bad, more}
let once = unique();

export function startRuns() {
  act("start-run", start);
  act("change-run", change);
  act("fetch-report", fetchReport);
  document.getElementById("run-form").addEventListener("input", () => {
    once = unique();
  });
}

function say(message, problem = null) {
  said = { message, bad: problem !== null, more: problem?.more };
  announce(message);
  refresh("runs");
  changed("runs");
}

async function start(form) {
  const { scenario, yaml, route, speed } = form.elements;
  const text = yaml.value.trim() || scenario.value;
  if (!text) {
    say("Choose a scenario or paste one.", {});
    return;
  }
  const body = { scenario: text, route: route.value };
  if (route.value === "attach" && speed.value) body.speed = speed.value;
  try {
    const { told } = await post("/v1/runs", body, { once });
    once = unique();
    say(`Run ${told.id} of ${told.scenario} is queued.`);
  } catch (error) {
    say(error.message, error);
  }
}

/** Cancel or resume: what is to be changed is named by the state that it was last seen in. */
async function change({ dataset: { id, verb } }) {
  try {
    const path = `/v1/runs/${encodeURIComponent(id)}`;
    const answer = await ask(path);
    if (!answer.ok) throw await problemOf(answer);
    await post(`${path}/${verb}`, {}, { more: { "If-Match": answer.headers.get("ETag") } });
    say(`Run ${id}: ${verb} was asked for.`);
  } catch (error) {
    say(error.message, error);
  }
}

/** Fetch a report with the key that a link cannot send, and hand it over as a file. */
async function fetchReport({ dataset: { id } }) {
  try {
    const answer = await ask(`/v1/runs/${encodeURIComponent(id)}/report`);
    if (!answer.ok) throw await problemOf(answer);
    const url = URL.createObjectURL(await answer.blob());
    h("a", { href: url, download: `${id}.html` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  } catch (error) {
    say(error.message, error);
  }
}

/** Return the choices of bundled scenarios; forecasts offer them, too. */
export function scenarioOptions() {
  return (state.scenarios?.scenarios ?? [])
    .filter((one) => !one.problem)
    .map((one) => [one.name, one.name, one.about]);
}

function form() {
  const options = scenarioOptions();
  const speed = {
    inputmode: "decimal",
    pattern: "max|[0-9]+([.][0-9]+)?",
    placeholder: "3 min in all",
  };
  const yaml = h("textarea", { id: "run-yaml", name: "yaml", rows: 4, spellcheck: "false" });
  return h(
    "form",
    { "data-act": "start-run", class: "fields", "aria-label": "Start a run" },
    choice("Scenario", "run-scenario", "scenario", [["", "choose"], ...options]),
    choice("Where", "run-route", "route", ROUTES),
    input("Speed, × real time", "run-speed", "speed", speed),
    h(
      "div",
      { class: "whole" },
      labelled("or a scenario of your own, as YAML", "run-yaml", yaml),
    ),
    send("Start run"),
    h("div", { class: "whole", id: "run-said" }, saidWords(options.length)),
  );
}

function saidWords(options) {
  if (said) return said.bad ? problemWords(said) : h("p", { class: "muted" }, said.message);
  if (options) return null;
  return none(state.scenarios ? "No scenario comes with this server." : waiting("scenarios"));
}

export function drawRuns() {
  patch(document.getElementById("run-form"), form());
  const host = document.getElementById("run-list");
  if (!state.runs) {
    patch(host, none(waiting("runs")));
    return;
  }
  const runs = state.runs.items.slice(0, RUNS_SHOWN);
  if (!runs.length) {
    patch(host, none("No run was started yet."));
    return;
  }
  patch(
    host,
    table({
      label: "Table of runs",
      caption: "Runs, newest first",
      columns: ["Run", "State", "Progress", "Asked for", "What can be done"],
      rows: runs.map((run) => ({ key: run.id, cells: row(run) })),
    }),
  );
}

function progress({ id, progress: told }) {
  if (!told?.total) return NONE;
  const share = told.done / told.total;
  return [
    h("progress", { max: 1, value: share.toFixed(3), "aria-label": `Progress of run ${id}` }),
    ` ${(100 * share).toFixed(0)} %: ${number(told.done)} of ${number(told.total)} ${words(told.stage)}`,
  ];
}

function stateWords(run) {
  if (run.cancelling) return "being cancelled";
  if (run.state !== "done" || !run.gates) return words(run.state);
  return `done, ${GATES[run.gates]}`;
}

function row(run) {
  const { id } = run;
  const verb = (name, text) => {
    const to = { "data-act": "change-run", "data-id": id, "data-verb": name };
    return h("button", { type: "button", ...to, "aria-label": `${text} run ${id}` }, text);
  };
  return [
    [run.asked.scenario ?? id, h("small", {}, ` ${id}`)],
    stateWords(run),
    progress(run),
    clock(run.created_unix_s),
    [
      run.managed && GOING.includes(run.state) && !run.cancelling ? verb("cancel", "Cancel") : null,
      run.resumable ? verb("resume", "Carry on") : null,
      run.state === "done" ? report(id) : null,
    ],
  ];
}

function report(id) {
  const name = ["Report", h("span", { class: "heard" }, ` of run ${id}`)];
  return key()
    ? h("button", { type: "button", "data-act": "fetch-report", "data-id": id }, name)
    : h("a", { href: `/v1/runs/${encodeURIComponent(id)}/report` }, name);
}
