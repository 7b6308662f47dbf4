// A forecast from where the twin stands now: many futures, drawn as bands.

import { get, post, unique } from "./api.js";
import { chart, roomOf, timeAxis } from "./chart.js";
import { act, h, patch } from "./dom.js";
import { choice, input, problemWords, send } from "./fields.js";
import { number, words } from "./format.js";
import { scenarioOptions } from "./runs.js";
import { announce, changed, state } from "./store.js";
import { none } from "./table.js";

const ASK_MS = 1000;
const ENDED = ["failed", "cancelled", "interrupted"];

const UNITS = [
  [/^wait\./, "minutes"],
  [/^utilisation\./, "share of the time on duty"],
  [/^/, "patients"],
];
const NOT_ASKED =
  "No forecast was asked for yet. It begins with the patients who are in the clinic now.";
const MEANING =
  "At each moment, a future lies in the wide band with a chance of 90 %, if the scenario is true " +
  "as it stands.";

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
  const first = ["", attached ? `the attached one: ${attached}` : "choose"];
  const count = { type: "number", required: true };
  const [hours, futures] = [
    { ...count, min: 1, max: 336, value: 24 },
    { ...count, min: 2, max: 1000, value: 100 },
  ];
  return h(
    "form",
    { "data-act": "forecast", class: "fields", "aria-label": "Forecast" },
    choice("Scenario that goes on", "fc-scenario", "scenario", [first, ...scenarioOptions()]),
    input("Hours ahead", "fc-horizon", "horizon", hours),
    input("Futures", "fc-futures", "futures", futures),
    send("Forecast from now"),
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
  if (!now) patch(host, none(NOT_ASKED));
  else if (now.problem) patch(host, problemWords(now.problem));
  else if (ENDED.includes(now.told?.state)) patch(host, h("p", { class: "problem" }, ended()));
  else if (now.told?.result) drawBands(host, now.told.result);
  else patch(host, waitingWords(now.told));
}

function ended() {
  return `The forecast is ${now.told.state}; /v1/forecasts/${now.id} says more.`;
}

function waitingWords(told) {
  const { done, total, stage } = told?.progress ?? {};
  const far = total ? `, ${number(done)} of ${number(total)} ${words(stage)}` : "";
  const spinner = h("span", { class: "spinner", "aria-hidden": "true" });
  return h("p", { class: "waiting" }, spinner, `${words(told?.state ?? "asking")}${far}…`);
}

const sentence = (text) => (text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "");

const list = (lines) => h("ul", {}, lines.map((one) => h("li", {}, one)));

function drawBands(host, { series, bins_min: bins, assumptions, degraded, meanings }) {
  const width = roomOf(document.getElementById("flow-charts"));
  const { unit_min: _, ...axis } = timeAxis(bins);
  patch(
    host,
    h("p", { class: "muted" }, MEANING),
    degraded.length ? h("div", { class: "note-warn" }, list(degraded)) : null,
    h("details", {}, h("summary", {}, "What is assumed"), list(assumptions)),
    h("div", { class: "two" }, Object.entries(series).map(([name, one]) =>
      chart({
        key: `forecast-${name}`,
        title: `Forecast: ${words(name.replaceAll(".", " "))}`,
        about: sentence(meanings[name.split(".")[0]]),
        ...axis,
        y_title: UNITS.find(([axis]) => axis.test(name))[1],
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
