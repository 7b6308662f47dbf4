// Runs of scenarios: start, watch, cancel, carry on, read the report.

import { ask, key, post, problemOf, unique } from "./api.js";
import { act, h, patch } from "./dom.js";
import { refresh } from "./feeds.js";
import { NONE, clock, number, words } from "./format.js";
import { announce, changed, state } from "./store.js";
import { waiting } from "./summary.js";

const RUNS_SHOWN = 20;
const GOING = ["queued", "running"];

let said = null; // {text, bad, errors}
let once = unique();

export function startRuns() {
  act("start-run", start);
  act("change-run", change);
  act("fetch-report", fetchReport);
  document.getElementById("run-form").addEventListener("input", () => {
    once = unique();
  });
}

function say(text, problem = null) {
  said = { text, bad: problem !== null, errors: problem?.more?.errors ?? [] };
  announce(text);
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
    .map((one) => h("option", { value: one.name, title: one.about }, one.name));
}

function form() {
  const options = scenarioOptions();
  return h(
    "form",
    { "data-act": "start-run", class: "fields", "aria-label": "Start a run" },
    h("div", {}, h("label", { for: "run-scenario" }, "Scenario"),
      h("select", { id: "run-scenario", name: "scenario" }, h("option", { value: "" }, "choose"), options)),
    h("div", {}, h("label", { for: "run-route" }, "Where"),
      h("select", { id: "run-route", name: "route" }, h("option", { value: "inprocess" }, "on its own"), h("option", { value: "attach" }, "into this twin"))),
    h("div", {}, h("label", { for: "run-speed" }, "Speed into this twin, × real time"),
      h("input", { id: "run-speed", name: "speed", inputmode: "decimal", pattern: "max|[0-9]+([.][0-9]+)?", placeholder: "3 min in all" })),
    h("div", { class: "whole" }, h("label", { for: "run-yaml" }, "or a scenario of your own, as YAML"), h("textarea", { id: "run-yaml", name: "yaml", rows: 4, spellcheck: "false" })),
    h("div", {}, h("button", { type: "submit" }, "Start run")),
    h("div", { class: "whole", id: "run-said" }, saidWords(options.length)),
  );
}

function saidWords(options) {
  if (!said) return options ? null : h("p", { class: "none" }, state.scenarios ? "No scenario comes with this server." : waiting("scenarios"));
  return [
    h("p", { class: said.bad ? "problem" : "muted" }, said.text),
    said.errors.length
      ? h("ul", {}, said.errors.map((one) => h("li", {}, one.line ? `line ${one.line}, ` : "", one.key ? h("code", {}, one.key) : "", ` ${one.message}`)))
      : null,
  ];
}

export function drawRuns() {
  patch(document.getElementById("run-form"), form());
  const host = document.getElementById("run-list");
  if (!state.runs) {
    patch(host, h("p", { class: "none" }, waiting("runs")));
    return;
  }
  const runs = state.runs.items.slice(0, RUNS_SHOWN);
  if (!runs.length) {
    patch(host, h("p", { class: "none" }, "No run was started yet."));
    return;
  }
  patch(host, h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of runs" },
    h("table", {}, h("caption", {}, "Runs, newest first"),
      h("thead", {}, h("tr", {}, ["Run", "State", "Progress", "Asked for", "What can be done"].map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, runs.map(row))),
  ));
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
  const marks = { pass: "✔ gates pass", fail: "✖ a gate fails", inconclusive: "▲ gates are inconclusive" };
  return `done, ${marks[run.gates]}`;
}

function row(run) {
  const { id } = run;
  const verb = (name, text) =>
    h("button", { type: "button", "data-act": "change-run", "data-id": id, "data-verb": name, "aria-label": `${text} run ${id}` }, text);
  return h(
    "tr",
    { "data-key": id },
    h("th", { scope: "row" }, run.asked.scenario ?? id, h("small", {}, ` ${id}`)),
    h("td", {}, stateWords(run)),
    h("td", {}, progress(run)),
    h("td", {}, clock(run.created_unix_s)),
    h("td", {},
      run.managed && GOING.includes(run.state) && !run.cancelling ? verb("cancel", "Cancel") : null,
      run.resumable ? verb("resume", "Carry on") : null,
      run.state === "done" ? report(id) : null,
    ),
  );
}

function report(id) {
  const name = ["Report", h("span", { class: "heard" }, ` of run ${id}`)];
  return key()
    ? h("button", { type: "button", "data-act": "fetch-report", "data-id": id }, name)
    : h("a", { href: `/v1/runs/${encodeURIComponent(id)}/report` }, name);
}
