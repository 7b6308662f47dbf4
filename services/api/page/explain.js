// Explanation maps of a case: made when asked for, which may take a while the first time.

import { casePath, get, getWhenMade } from "./api.js";
import { act, h } from "./dom.js";
import { redrawDrawer } from "./drawer.js";
import { fixed, number, percent, seconds, words } from "./format.js";
import { announce } from "./store.js";
import { none, pairs } from "./table.js";

const WAIT_S = 2; // the API may hold an answer so long; then we say that we wait

let now = null; // {id, methods, problem, chosen: {method, url, told, waited_s, problem}, gone}

export function startExplanations() {
  act("explain", ({ dataset: { method } }) => explain(method));
}

/** Give back pictures and stop waiting. */
export function forgetExplanations() {
  now?.gone.abort();
  if (now?.chosen?.url) URL.revokeObjectURL(now.chosen.url);
  now = null;
}

async function loadMethods(mine) {
  try {
    mine.methods = (await get(casePath(mine.id, "/explanations"))).methods;
  } catch (error) {
    mine.problem = error.message;
  }
  if (mine === now) redrawDrawer();
}

async function explain(method) {
  const mine = now;
  mine.gone.abort(); // another map was asked for: nobody waits for the earlier one
  mine.gone = new AbortController();
  if (mine.chosen?.url) URL.revokeObjectURL(mine.chosen.url);
  const chosen = { method, waited_s: 0 };
  mine.chosen = chosen;
  redrawDrawer();
  announce(`Asking for ${words(method)}.`);
  const path = casePath(mine.id, `/explanations/${encodeURIComponent(method)}`);
  const soon = `wait_s=${WAIT_S}`;
  const waiting = (waited_s) => {
    chosen.waited_s = waited_s;
    if (mine === now && mine.chosen === chosen) redrawDrawer();
  };
  try {
    chosen.told = await (await getWhenMade(`${path}?${soon}`, waiting, mine.gone.signal)).json();
    const map = await getWhenMade(`${path}/map.png?overlay=true&${soon}`, waiting, mine.gone.signal);
    const blob = await map.blob();
    if (mine === now && mine.chosen === chosen) chosen.url = URL.createObjectURL(blob);
    announce(`${words(method)} is there.`);
  } catch (error) {
    chosen.problem = error.message;
  }
  if (mine === now && mine.chosen === chosen) redrawDrawer();
}

/** Return the part of the drawer about explanations of a case. */
export function explanations(one) {
  if (now?.id !== one.case_id) {
    forgetExplanations();
    now = { id: one.case_id, gone: new AbortController() };
    loadMethods(now);
  }
  if (now.problem) return none(`Not available: ${now.problem}`);
  if (!now.methods) return none("Asking which there are…");
  if (!now.methods.length) return none("This model has no explainer.");
  return [
    h("div", { class: "row", role: "group", "aria-label": "Methods" }, now.methods.map((method) =>
      h("button", {
        type: "button", "data-act": "explain", "data-method": method.name, "data-key": method.name,
        "aria-pressed": String(now.chosen?.method === method.name),
      }, `${words(method.title ?? method.name)}${method.cached ? "" : " …"}`))),
    h("p", { class: "muted" }, "… is made when asked for; the first can take 20 s."),
    map(),
  ];
}

function map() {
  const chosen = now.chosen;
  if (!chosen) return null;
  const about = now.methods.find(({ name }) => name === chosen.method)?.about ?? "";
  const note = h("p", {}, h("strong", {}, words(chosen.method)), `: ${about}`);
  if (chosen.problem) return [note, h("p", { class: "problem" }, chosen.problem)];
  if (!chosen.url) {
    const spinner = h("span", { class: "spinner", "aria-hidden": "true" });
    const waited = `Being made, ${number(chosen.waited_s)} s so far…`;
    return [note, h("p", { class: "waiting", id: "explaining" }, spinner, waited)];
  }
  const alt = `Map of ${words(chosen.method)} over the lesion: ${about}`;
  const picture = h("img", { src: chosen.url, width: 224, height: 224, id: "map", alt });
  return [note, picture, figures(chosen.told)];
}

/** Return how far a map can be believed, in words. */
function figures(told) {
  if (!told) return null;
  const { fidelity, map: facts, took_s: took } = told;
  const low = "▲ What was explained is a poor stand-in for the stack: take this map with care.";
  return [
    fidelity.is_low ? h("p", { class: "note-warn" }, low) : null,
    pairs([
      ["Rank correlation of what was explained with the stack", fixed(fidelity.rank_correlation, 2)],
      ["Share of the image that holds half of the map", percent(facts.half_in_share, 0)],
      ["Took", seconds(took)],
    ]),
  ];
}
