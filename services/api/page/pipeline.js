// The pipeline as a live diagram: each part is a button, each edge shows what flows through it.

import { byPart, partOf } from "./actors.js";
import { fold, h, patch, s } from "./dom.js";
import { NONE, milliseconds, number, rate, seconds, words } from "./format.js";
import { EDGES, LAYOUTS, edgeNumber, edgePath, parts } from "./layout.js";
import { announce, state } from "./store.js";
import { waiting } from "./summary.js";
import { none, numbers, table } from "./table.js";

const WIDE_PX = 1100; // narrower than that, the wide diagram's letters would be too small
export const HEALTH = {
  well: { mark: "✔", word: "well" },
  degraded: { mark: "▲", word: "degraded" },
  down: { mark: "✖", word: "down" },
  silent: { mark: "◌", word: "silent" },
  unknown: { mark: "?", word: "no news" },
};
// What flows along an edge, by topic; null stands for all of them.
const FLOWS = { arrivals: "cases", answers: "verdicts", mirrored: "verdicts", stacks: "stacks", all: null };

/** Return whether what flows is known: not of the past, and not while nothing is heard. */
function isFlowing() {
  return state.at === null && state.connection === "live" && state.beat?.state === "live";
}

/** Return records per second of a topic, or of all, over the last ten seconds. */
function flow(topic) {
  const per_s = state.twin?.per_s ?? {};
  if (topic !== null) return per_s[topic] ?? 0;
  return Object.values(per_s).reduce((sum, one) => sum + one, 0);
}


const heard = () => state.components?.components ?? [];

/** Return what is known of a part: its health, and three lines of figures. */
function look(part, known) {
  if (part.kind === "topic") {
    const lag = state.twin?.lag?.[part.topic];
    const per_s = flow(part.topic);
    return {
      health: lag == null ? "unknown" : "well",
      word: lag == null ? "no news" : "topic of the log",
      mark: lag == null ? "?" : "≡",
      lines: [
        isFlowing() ? rate(per_s) : "flow: live only",
        !isFlowing() ? "lag: live only" : lag == null ? "lag not known" : `lag ${number(lag)}`,
        "",
      ],
    };
  }
  const one = known.get(part.name);
  if (!one) {
    const why = part.name === "explainer" ? "starts when asked" : "";
    return { health: "unknown", lines: [why, "", ""] };
  }
  const health = HEALTH[one.health] ? one.health : "unknown";
  return {
    health,
    ...HEALTH[health],
    ...(one.actors && { word: `${HEALTH[health].word} ×${one.actors}` }),
    lines: [
      throughput(one),
      one.latency_ms ? `p95 ${milliseconds(one.latency_ms.p95)}` : "",
      `${number(one.restarts ?? 0)} restarts`,
    ],
    reason: one.health_reason,
  };
}

/** Return what a component handles in a second, in its own unit; nothing where it counts nothing. */
export function throughput(one) {
  if (one.images_per_s != null) return rate(one.images_per_s, "img");
  if (one.name === "mirror" && isFlowing()) return rate(flow(null));
  const [name, per_s] = Object.entries(one.facts ?? {}).find(([fact]) => fact.endsWith("_per_s")) ?? [];
  return name ? rate(per_s, words(name.slice(0, -"_per_s".length))) : "";
}

function node(part, [x, y, w, tall], known) {
  const { health, lines, reason, word, mark } = { ...HEALTH.unknown, ...look(part, known) };
  const short = tall < 80;
  const text = (dy, ...more) => s("text", { x: x + 9, y: y + dy }, ...more);
  const label = [`${part.title}: ${word}`, reason, ...lines].filter(Boolean).join(", ");
  return s(
    "g",
    {
      class: `node ${health} ${part.kind}`,
      "data-key": part.name,
      "data-act": "component",
      "data-name": known.get(part.name)?.name ?? part.name,
      role: "button",
      tabindex: 0,
      "aria-label": label,
      "aria-haspopup": "dialog",
    },
    s("rect", { x, y, width: w, height: tall, rx: part.kind === "topic" ? 18 : 6 }),
    part.kind === "topic" ? null : s("rect", { class: "strip", x, y: y + 6, width: 4, height: tall - 12 }),
    text(18, s("tspan", { class: "name" }, part.title)),
    text(35, s("tspan", { class: "health" }, `${mark} ${word}`)),
    short
      ? text(53, [lines[0], lines[1]].filter(Boolean).join(" · "))
      : [text(53, lines[0]), text(69, lines[1])],
    lines[2] && s("text", { x: x + w - 8, y: y + 35, class: "end" }, `↻ ${lines[2].split(" ")[0]}`),
  );
}

function flowOf([, to, what], known) {
  if (!isFlowing()) return 0;
  if (what in FLOWS) return flow(FLOWS[what]);
  if (what === "explanations") return 0;
  const one = known.get(what) ?? known.get(to);
  return one?.images_per_s ?? 0;
}

function edge(one, layout, known) {
  const [from, to, what, aside] = one;
  const per_s = flowOf(one, known);
  const speed = per_s <= 0 ? "still" : per_s < 2 ? "slow" : per_s < 20 ? "brisk" : "fast";
  const line = s("path", {
    class: `edge ${aside ? "aside" : ""} ${speed}`,
    "data-key": `${from}-${to}`,
    d: edgePath(layout, from, to),
  });
  // Between learners there is no room; their own boxes say what they handle.
  if (aside || what === from || what === to || !isFlowing()) return line;
  const { x, y, anchor } = edgeNumber(layout, from, to);
  const shown = `${number(per_s, per_s < 10 ? 1 : 0)}/s`;
  return [line, s("text", { class: "flow", x, y, "text-anchor": anchor }, shown)];
}

let told = "";

export function drawPipeline() {
  const host = document.getElementById("diagram");
  const known = byPart(heard());
  if (!state.components && !state.twin) {
    patch(host, none(waiting("components")));
    return;
  }
  const layout = host.clientWidth >= WIDE_PX ? "wide" : "narrow";
  const { width, height, places } = LAYOUTS[layout];
  patch(
    host,
    s(
      "svg",
      {
        class: `pipeline ${layout}`,
        viewBox: `0 0 ${width} ${height}`,
        role: "group",
        "aria-label": "Pipeline, part by part",
      },
      s("g", { "aria-hidden": "true" }, EDGES.map((one) => edge(one, layout, known))),
      parts().map((part) => node(part, places[part.name], known)),
    ),
  );
  const rows = fold("components", "Components as a table", componentTable);
  patch(document.getElementById("diagram-more"), flowWords(), others(), rows);
  const ill = heard().filter((one) => one.health !== "well");
  const words_ = ill.map((one) => `${words(one.name)} is ${one.health}.`).join(" ");
  if (words_ !== told) {
    if (words_ || told) announce(words_ || "All components are well.");
    told = words_;
  }
}

function flowWords() {
  const legend = Object.values(HEALTH).map(({ mark, word }) => `${mark} ${word}`);
  const behind = Object.entries(state.twin?.lag ?? {}).filter(([, n]) => n > 0);
  const lag = behind.map(([topic, n]) => `${topic} ${number(n)}`).join(", ");
  const live = [
    `all records: ${rate(flow(null))} (numbers at the lines: records of the last 10 s)`,
    lag ? `lag: ${lag}` : "no lag",
  ];
  const flows = isFlowing() ? live : ["flow is shown live only"];
  const told = [...legend, "↻ restarts", ...flows];
  return h("p", { class: "legend" }, told.map((one) => h("span", {}, one)));
}

function others() {
  const placed = new Set(parts().map(({ name }) => name));
  const rest = heard().filter((one) => !placed.has(partOf(one.name)));
  if (!rest.length) return null;
  return h(
    "p",
    { class: "row" },
    "Besides: ",
    rest.map((one) =>
      h(
        "button",
        { type: "button", "data-act": "component", "data-name": one.name },
        `${HEALTH[one.health]?.mark ?? "?"} ${words(one.name)}: ${one.health}`,
      ),
    ),
  );
}

function componentTable() {
  if (!heard().length) return none("No component has told of itself yet.");
  const latencies = ["p50", "p95", "p99"];
  return table({
    label: "Components",
    columns: [
      "Component", "Health", "State",
      ...["Restarts", "Images/s", ...latencies, "Errors", "Heard"].map(numbers),
      "Why",
    ],
    rows: heard().map((one) => ({
      key: one.name,
      cells: [
        words(one.name),
        `${HEALTH[one.health]?.mark ?? "?"} ${one.health}`,
        one.state,
        number(one.restarts),
        number(one.images_per_s, 1),
        ...latencies.map((p) => milliseconds(one.latency_ms?.[p])),
        number(one.errors),
        one.age_s == null ? NONE : `${seconds(one.age_s)} ago`,
        one.health_reason,
      ],
    })),
  });
}
