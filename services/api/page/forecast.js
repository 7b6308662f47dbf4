// A forecast from where the twin stands now: many futures, drawn as bands.

import { get, post, unique } from "./api.js";
import { chart, roomOf, timeAxis } from "./chart.js";
import { act, h, patch } from "./dom.js";
import { number, words } from "./format.js";
import { scenarioOptions } from "./runs.js";
import { announce, changed, state } from "./store.js";

const ASK_MS = 1000;
const ENDED = ["failed", "cancelled", "interrupted"];

let now = null; // {id, told, problem}

export function startForecast() {
  act("forecast", start);
}

/** Return the attached scenario that can be named, or nothing. */
function attachedName() {
  const known = new Set((state.scenarios?.scenarios ?? []).map(({ name }) => name));
  return (state.present?.attached ?? []).map(({ name }) => name).find((name) => known.has(name));
}

function form() {
  const attached = attachedName();
  return h(
    "form",
    { "data-act": "forecast", class: "fields", "aria-label": "Forecast" },
    h("div", {}, h("label", { for: "fc-scenario" }, "Scenario that goes on"),
      h("select", { id: "fc-scenario", name: "scenario" },
        h("option", { value: "" }, attached ? `the attached one: ${attached}` : "choose"), scenarioOptions())),
    h("div", {}, h("label", { for: "fc-horizon" }, "Hours ahead"), h("input", { id: "fc-horizon", name: "horizon", type: "number", min: 1, max: 336, value: 24, required: true })),
    h("div", {}, h("label", { for: "fc-futures" }, "Futures"), h("input", { id: "fc-futures", name: "futures", type: "number", min: 2, max: 1000, value: 100, required: true })),
    h("div", {}, h("button", { type: "submit" }, "Forecast from now")),
  );
}

async function start({ elements: { scenario, horizon, futures } }) {
  const mine = { told: null };
  now = mine;
  changed("forecast");
  try {
    const body = {
      scenario: scenario.value || attachedName(),
      horizon: `${horizon.value} h`,
      futures: Number(futures.value),
    };
    if (!body.scenario) throw new Error("Choose the scenario whose clinic goes on.");
    const { told } = await post("/v1/forecasts", body, { once: unique() });
    mine.id = told.id;
    announce("The forecast is being computed.");
    while (mine === now && !mine.told?.result && !ENDED.includes(mine.told?.state)) {
      mine.told = await get(`/v1/forecasts/${encodeURIComponent(mine.id)}`);
      changed("forecast");
      if (!mine.told.result) await new Promise((go) => setTimeout(go, ASK_MS));
    }
    if (mine === now) announce(mine.told.result ? "The forecast is there." : "The forecast failed.");
  } catch (error) {
    mine.problem = error;
  }
  changed("forecast");
}

export function drawForecast() {
  patch(document.getElementById("forecast-form"), form());
  const host = document.getElementById("forecast-result");
  if (!now) {
    patch(host, h("p", { class: "none" }, "No forecast was asked for yet. It begins with the patients who are in the clinic now."));
  } else if (now.problem) {
    const errors = now.problem.more?.errors ?? [];
    patch(host, h("p", { class: "problem" }, now.problem.message), errors.length ? h("ul", {}, errors.map((one) => h("li", {}, `${one.key} ${one.message}`))) : null);
  } else if (ENDED.includes(now.told?.state)) {
    patch(host, h("p", { class: "problem" }, `The forecast is ${now.told.state}; /v1/forecasts/${now.id} says more.`));
  } else if (!now.told?.result) {
    const done = now.told?.progress?.total ? `, ${number(now.told.progress.done)} of ${number(now.told.progress.total)} ${words(now.told.progress.stage)}` : "";
    patch(host, h("p", { class: "waiting", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), `${words(now.told?.state ?? "asking")}${done}…`));
  } else {
    drawBands(host, now.told.result);
  }
}

function drawBands(host, { series, bins_min: bins, assumptions, degraded }) {
  const width = roomOf(document.getElementById("flow-charts"));
  const { unit_min: _, ...axis } = timeAxis(bins);
  patch(
    host,
    h("p", { class: "muted" }, "At each moment, a future lies in the wide band with a chance of 90 %, if the scenario is true as it stands."),
    degraded?.length ? h("div", { class: "note-warn" }, h("ul", {}, degraded.map((one) => h("li", {}, one)))) : null,
    assumptions?.length ? h("details", {}, h("summary", {}, "What is assumed"), h("ul", {}, assumptions.map((one) => h("li", {}, one)))) : null,
    h("div", { class: "two" }, Object.entries(series).map(([name, one]) =>
      chart({
        key: `forecast-${name}`,
        title: `Forecast: ${words(name.replaceAll(".", " "))}`,
        ...axis,
        y_title: words(name.replaceAll(".", " ")),
        showY: (value) => number(value, 2),
        width,
        series: [{ name: "median", ys: one.p50, colour: 0 }],
        bands: [
          { name: "90 % of futures", low: one.p05, high: one.p95, colour: 0 },
          { name: "half of futures", low: one.p25, high: one.p75, colour: 0 },
        ],
        empty: "The forecast has no value for this.",
      }))),
  );
}
