// How fast records flow, counted from the events that arrive: a window of ten seconds.

const WINDOW_S = 10;

const slots = new Map(); // second -> kind of record -> count
let begun_s = null;

const second = () => Math.floor(performance.now() / 1000);

/** Count one change; `schema` names the event, such as "CaseArrived/2". */
export function flowed(schema) {
  const now = second();
  begun_s ??= now;
  if (!slots.has(now)) {
    slots.set(now, new Map());
    for (const old of slots.keys()) if (old < now - WINDOW_S) slots.delete(old);
  }
  const slot = slots.get(now);
  const name = String(schema ?? "invalid").split("/")[0];
  slot.set(name, (slot.get(name) ?? 0) + 1);
}

/** Forget everything: what came while we did not listen is in no window. */
export function restart() {
  slots.clear();
  begun_s = second();
}

/** Return records per second of the named events, or of all. */
export function flow(...names) {
  if (begun_s === null) return 0;
  const now = second();
  let count = 0;
  for (const [at, slot] of slots) {
    if (at < now - WINDOW_S || at > now) continue;
    for (const [name, n] of slot) if (!names.length || names.includes(name)) count += n;
  }
  return count / Math.max(1, Math.min(WINDOW_S, now - begun_s));
}
