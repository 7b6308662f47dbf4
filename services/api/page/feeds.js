// What is asked of the API, and when: after changes that concern it, no more often than a pause
// allows, and one question of a kind at a time.

import { Problem, get, query } from "./api.js";
import { changed, state } from "./store.js";

const SWEEP_MS = 250;
const REFUSED_MS = 60000; // what is not there now will hardly be there in a second
const CASES_SHOWN = matchMedia("(max-width: 34rem)").matches ? 10 : 25; // each a line on a phone
const BINS_AIMED_AT = 60;
const BINS_MIN = [15, 30, 60, 120, 240, 480, 1440, 2880, 10080];

const at = () => ({ revision: state.at });

// pause_ms: between two questions; idle_ms: asked again after so long without news, because ages
// and rates change on their own; kinds: changes that concern it; present: has no past.
const FEEDS = {
  twin: { pause_ms: 500, idle_ms: 5000, kinds: null, path: () => `/v1/twin${query(at())}` },
  components: {
    pause_ms: 1000,
    idle_ms: 2000,
    kinds: null,
    path: () => `/v1/components${query(at())}`,
  },
  cases: {
    pause_ms: 500,
    idle_ms: 30000,
    kinds: ["case"],
    path: () => `/v1/cases${query({ ...at(), ...state.filter, limit: CASES_SHOWN })}`,
  },
  series: {
    pause_ms: 2000,
    idle_ms: 30000,
    kinds: ["case"],
    path: () => `/v1/series${query({ bin_min: bin() })}`,
    present: true,
  },
  performance: {
    pause_ms: 2000,
    idle_ms: 30000,
    kinds: ["case"],
    path: () => "/v1/performance",
    present: true,
  },
  stacks: {
    pause_ms: 1000,
    idle_ms: 30000,
    kinds: ["stacks", "orders", "epochs"],
    path: () => `/v1/stacks${query(at())}`,
  },
  drift: {
    pause_ms: 1000,
    idle_ms: 30000,
    kinds: ["drift", "epochs"],
    path: () => `/v1/drift${query(at())}`,
  },
  runs: { pause_ms: 1000, idle_ms: 3000, kinds: [], path: () => "/v1/runs" },
  scenarios: { pause_ms: 5000, idle_ms: 600000, kinds: [], path: () => "/v1/scenarios" },
};

for (const feed of Object.values(FEEDS)) {
  Object.assign(feed, { due: true, asked_ms: -Infinity, asking: false, turn: 0 });
}

/** Return the width of a bin that makes about sixty of the twin's time, in minutes. */
function bin() {
  const all_min = state.twin?.event_time_min ?? 0;
  return BINS_MIN.find((width) => all_min / width <= BINS_AIMED_AT) ?? BINS_MIN.at(-1);
}

/** Say that something of a kind changed. */
export function heard(kind) {
  if (state.at !== null) return; // the past does not change
  for (const feed of Object.values(FEEDS)) {
    if (feed.kinds === null || feed.kinds.includes(kind)) feed.due = true;
  }
}

/** Ask again now: the named ones, or all. */
export function refresh(...names) {
  for (const name of names.length ? names : Object.keys(FEEDS)) {
    FEEDS[name].due = true;
    FEEDS[name].asked_ms = -Infinity;
    FEEDS[name].turn += 1; // an answer under way is to an earlier question
    FEEDS[name].asking = false;
  }
  sweep();
}

async function fetchOne(name, feed) {
  const turn = feed.turn;
  Object.assign(feed, { due: false, asking: true, asked_ms: performance.now() });
  try {
    const told = await get(feed.path());
    if (turn !== feed.turn) return;
    state[name] = told;
    if (name === "twin" && state.at === null) state.present = told;
    if (state.refused[name]) changed("refused");
    delete state.refused[name];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (turn !== feed.turn) return;
    // What was known stays on the screen: the banner says how old it is.
    state.refused[name] = error;
    if (error.status !== 0) changed("refused");
    feed.due = error.status === 0 || error.status >= 500;
  } finally {
    if (turn === feed.turn) feed.asking = false;
  }
  changed(name);
}

function sweep() {
  // Nothing is asked before the stream is there: it shows first whether the key will do.
  if (document.hidden || state.connection !== "live") return;
  const now_ms = performance.now();
  for (const [name, feed] of Object.entries(FEEDS)) {
    const quiet_ms = now_ms - feed.asked_ms;
    const refused = [403, 404, 410].includes(state.refused[name]?.status);
    const idle = state.at === null && quiet_ms > (refused ? REFUSED_MS : feed.idle_ms);
    if (feed.present && state.at !== null) continue;
    if (!feed.asking && (idle || (feed.due && quiet_ms >= feed.pause_ms))) fetchOne(name, feed);
  }
}

/** Keep asking. */
export function keepFed() {
  setInterval(sweep, SWEEP_MS);
  document.addEventListener("visibilitychange", sweep);
  sweep();
}
