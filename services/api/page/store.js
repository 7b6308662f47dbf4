// What the page knows, and when it redraws: at most four times a second, however fast news come.

const REDRAW_MS = 250;

/** What is shown. `at` is a revision of the past, or null for the present. */
export const state = {
  connection: "connecting", // connecting, live, lost, locked
  why: "", // in words, where there is more to say of it
  heard_ms: 0, // performance.now() of the last heartbeat
  beat: null, // the last heartbeat
  at: null,
  twin: null,
  present: null, // the twin as of now, when `twin` is of the past
  components: null,
  cases: null,
  series: null,
  performance: null,
  stacks: null,
  drift: null,
  runs: null,
  scenarios: null,
  refused: {}, // by feed: the problem that it met last
  filter: { search: "", stage: "", malignant: "", label: "" },
};

const views = [];
const dirty = new Set();
let timer = null;
let drawn_ms = -Infinity;

/** Draw `view` again whenever one of `parts` has changed. */
export function draws(parts, view) {
  views.push({ parts, view });
}

/** Say that a part of the state has changed. */
export function changed(...parts) {
  for (const one of parts) dirty.add(one);
  if (timer !== null) return;
  const wait_ms = Math.max(0, drawn_ms + REDRAW_MS - performance.now());
  timer = setTimeout(draw, wait_ms);
}

function draw() {
  timer = null;
  drawn_ms = performance.now();
  const parts = new Set(dirty);
  dirty.clear();
  for (const { parts: of, view } of views) {
    if (of.some((one) => parts.has(one))) view();
  }
}

/** Say something to those who listen instead of look; only what changes the picture. */
export function announce(text) {
  const region = document.getElementById("announced");
  if (region.textContent !== text) region.textContent = text;
}
