// Several actors of a component, and components of several workers, as the one part of the diagram.

import { parts } from "./layout.js";

const WORSE = ["well", "degraded", "silent", "down"];

/** Return the part that a component belongs to; its own name where the diagram has none for it. */
export function partOf(name) {
  if (name.startsWith("worker-")) return "worker";
  const bare = name.replace(/^[^.]+\./, "").replace(/-\d+$/, ""); // w2.stem-1 is a stem
  return parts().some((part) => part.name === bare) ? bare : name;
}

/** Return components by part. Of several the worst speaks, for all that they do together. */
export function byPart(components) {
  const groups = new Map();
  for (const one of components) {
    const part = partOf(one.name);
    groups.set(part, [...(groups.get(part) ?? []), one]);
  }
  return new Map([...groups].map(([part, ones]) => [part, together(ones)]));
}

function together(ones) {
  if (ones.length === 1) return ones[0];
  const more = (value) => (a, b) => (value(b) > value(a) ? b : a);
  const sum = (field) => {
    const given = ones.map((one) => one[field]).filter((value) => value != null);
    return given.length ? given.reduce((a, b) => a + b) : null;
  };
  return {
    ...ones.reduce(more((one) => WORSE.indexOf(one.health))),
    actors: ones.length,
    restarts: sum("restarts"),
    images_per_s: sum("images_per_s"),
    latency_ms: ones.reduce(more((one) => one.latency_ms?.p95 ?? -1)).latency_ms,
  };
}
