// A forecast from where the twin stands now: many futures, drawn as bands.

import { get, post, unique } from "./api.js";
import { chart, roomOf, timeAxis } from "./chart.js";
import { act, h, patch } from "./dom.js";
import { number, words } from "./format.js";
import { announce, changed } from "./store.js";

const ASK_MS = 1000;
const FAILED = ["failed", "cancelled"];

let now = null; // {id, told, problem}

export function startForecast() {
  patch(document.getElementById("forecast-form"), h(
    "form",
    { "data-act": "forecast", class: "fields", "aria-label": "Forecast" },
    h("div", {}, h("label", { for: "fc-horizon" }, "Hours ahead"), h("input", { id: "fc-horizon", name: "horizon", type: "number", min: 1, max: 336, value: 24, required: true })),
    h("div", {}, h("label", { for: "fc-times" }, "Futures"), h("input", { id: "fc-times", name: "replications", type: "number", min: 5, max: 200, value: 20, required: true })),
    h("div", {}, h("button", { type: "submit" }, "Forecast from now")),
  ));
  act("forecast", start);
}

async function start(form) {
  const mine = { told: null };
  now = mine;
  changed("forecast");
  try {
    const body = {
      horizon_min: 60 * Number(form.elements.horizon.value),
      replications: Number(form.elements.replications.value),
    };
    const { told } = await post("/v1/forecasts", body, { once: unique() });
    mine.id = told.forecast_id ?? told.id;
    mine.told = told;
    announce("The forecast is being computed.");
    while (mine === now && !mine.told.result && !FAILED.includes(mine.told.state)) {
      changed("forecast");
      await new Promise((go) => setTimeout(go, ASK_MS));
      mine.told = await get(`/v1/forecasts/${encodeURIComponent(mine.id)}`);
    }
    if (mine === now) announce(mine.told.result ? "The forecast is there." : "The forecast failed.");
  } catch (error) {
    mine.problem = error.message;
  }
  changed("forecast");
}

export function drawForecast() {
  const host = document.getElementById("forecast-result");
  if (!now) {
    patch(host, h("p", { class: "none" }, "No forecast was asked for yet. It begins with the state of now and the attached scenario."));
  } else if (now.problem) {
    patch(host, h("p", { class: "problem" }, now.problem));
  } else if (now.told && FAILED.includes(now.told.state)) {
    const why = now.told.error?.detail ?? now.told.error ?? now.told.reason ?? "no reason was given";
    patch(host, h("p", { class: "problem" }, `The forecast ${now.told.state}: ${why}`));
  } else if (!now.told?.result) {
    patch(host, h("p", { class: "waiting", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), `${words(now.told?.state ?? "asking")}…`));
  } else {
    drawBands(host, now.told.result);
  }
}

function drawBands(host, { series, bins_min: bins, ...rest }) {
  const width = roomOf(document.getElementById("flow-charts"));
  const { unit_min: _, ...axis } = timeAxis(bins);
  patch(
    host,
    rest.assumptions ? h("p", { class: "muted" }, [rest.assumptions].flat().join(" ")) : null,
    h("div", { class: "two" }, Object.entries(series).map(([name, one]) =>
      chart({
        key: `forecast-${name}`,
        title: `Forecast: ${words(name)}`,
        ...axis,
        y_title: words(name),
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
