// All questions to the API go through here: keys, problems and time limits in one place.

const KEY = "dermtwin-key";
const PATIENCE_MS = 10000;

/** What the API answers instead of what was asked for (RFC 9457). */
export class Problem extends Error {
  constructor(status, detail, more = {}) {
    super(detail);
    this.status = status; // 0 where there was no answer at all
    this.more = more;
  }
}

/** Return the key that was given in this tab; it is forgotten with the tab. */
export function key() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function useKey(value) {
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

export function headers(more = {}) {
  return key() ? { Authorization: `Bearer ${key()}`, ...more } : { ...more };
}

/** Ask; return the answer, whatever its status.  Throws Problem(0) where nobody answers. */
export async function ask(path, { method = "GET", body, more, patience_ms = PATIENCE_MS } = {}) {
  const late = AbortSignal.timeout(patience_ms);
  try {
    return await fetch(path, {
      method,
      body,
      headers: headers(more),
      signal: late,
      cache: method === "GET" ? "no-cache" : "no-store",
    });
  } catch (error) {
    const reason = late.aborted ? "did not answer in time" : "cannot be reached";
    throw new Problem(0, `the API ${reason}`, { error });
  }
}

/** Return the problem that an answer tells. */
export async function problemOf(answer) {
  let told = {};
  try {
    told = await answer.json();
  } catch {
    // A proxy may answer with anything; its status says enough.
  }
  const detail = typeof told.detail === "string" ? told.detail : answer.statusText;
  return new Problem(answer.status, detail || `status ${answer.status}`, told);
}

/** Return the answer's JSON.  Throws a Problem for anything but success. */
export async function get(path, options = {}) {
  const answer = await ask(path, options);
  if (!answer.ok) throw await problemOf(answer);
  return answer.json();
}

/** Submit; a repeated press is the same submission until it was answered. */
export async function post(path, body, { more = {}, patience_ms = 60000, once } = {}) {
  const form = body instanceof FormData;
  const answer = await ask(path, {
    method: "POST",
    body: form ? body : JSON.stringify(body ?? {}),
    more: {
      ...(form ? {} : { "Content-Type": "application/json" }),
      "Idempotency-Key": once ?? unique(),
      ...more,
    },
    patience_ms,
  });
  if (!answer.ok) throw await problemOf(answer);
  return { status: answer.status, headers: answer.headers, told: await answer.json() };
}

/** Return a name nobody else has. `crypto.randomUUID` exists on https and localhost only. */
export function unique() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
}

/**
 * Ask for what is made on demand: 202 means that it is being made, and `Retry-After` when to ask
 * again. `waiting` hears for how long it has been going on.
 */
export async function getWhenMade(path, waiting, signal) {
  const begun = performance.now();
  for (;;) {
    const answer = await ask(path, { patience_ms: 60000 });
    if (signal?.aborted) throw new Problem(0, "no longer wanted");
    if (answer.status !== 202) {
      if (!answer.ok) throw await problemOf(answer);
      return answer;
    }
    waiting((performance.now() - begun) / 1000);
    const after_s = Number(answer.headers.get("Retry-After")) || 1;
    await new Promise((go) => setTimeout(go, Math.min(after_s, 5) * 1000));
    if (signal?.aborted) throw new Problem(0, "no longer wanted");
  }
}

/** Return a query string of what is set. */
export function query(wanted) {
  const set = Object.entries(wanted).filter(([, value]) => value !== "" && value != null);
  return set.length ? `?${new URLSearchParams(set)}` : "";
}

/** Return the path of a case; its id may have any printable characters. */
export function casePath(id, rest = "") {
  return `/v1/cases/${encodeURIComponent(id)}${rest}`;
}
