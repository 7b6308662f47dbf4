// The event stream, read by fetch: ids, keys, silence and reconnecting are in our own hands.

import { headers, key } from "./api.js";

const SILENCE_MS = 1600; // a heartbeat is due each second; a banner, within two of its absence
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 1000;
const LONGEST_TOLD_MS = 10000; // what a server that is full may ask for
const KEY_WAIT_MS = 300;

/** Return a function that takes text as it comes and calls `each` with {id, event, data}. */
export function parser(each) {
  let rest = "";
  let one = { data: [] };
  return (text) => {
    rest += text;
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        const data = one.data.join("\n");
        if (data) each({ id: one.id, event: one.event ?? "message", data });
        one = { data: [] };
      } else if (!line.startsWith(":")) {
        const colon = line.indexOf(":");
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (name === "data") one.data.push(value);
        else if (name === "id" || name === "event") one[name] = value;
      }
    }
  };
}

/**
 * Follow the stream for ever.
 *
 * @param {string} path
 * @param {{event: (name: string, told: object) => void, connection: (state: string, why: string)
 *   => void}} hears  connection is "live", "lost" after such a silence, or "locked": wants a key
 */
export function follow(path, hears) {
  let last = ""; // id of the last event: where to go on from
  let heard_ms = performance.now();
  let attempt = null;
  let live = false;
  let told_ms = 0; // how long a server that is full asked us to wait
  let failed = 0; // attempts in a row that nobody answered

  const lost = (why) => {
    if (live !== "lost") hears.connection("lost", why);
    live = "lost";
  };
  setInterval(() => {
    if (live === "locked" || performance.now() - heard_ms < SILENCE_MS) return;
    lost("no sign of life");
    // A connection may be dead without either end being told; a new one will show.
    if (attempt && performance.now() - attempt.begun_ms > SILENCE_MS) attempt.abort.abort();
  }, 100);

  const take = ({ id, event, data }) => {
    heard_ms = performance.now();
    if (id) last = id;
    if (live !== true) hears.connection("live", "");
    live = true;
    hears.event(event, JSON.parse(data));
  };

  // Wrong keys are counted against us: nothing is asked again before there is another one.
  const locked = async () => {
    const refused = key();
    live = "locked";
    hears.connection("locked", refused ? "The one that was given opens nothing." : "");
    while (key() === refused) await new Promise((go) => setTimeout(go, KEY_WAIT_MS));
    heard_ms = performance.now();
    live = false;
  };

  const once = async () => {
    attempt = { abort: new AbortController(), begun_ms: performance.now() };
    const more = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
    const answer = await fetch(path, {
      headers: headers(more),
      signal: attempt.abort.signal,
      cache: "no-store",
    });
    if (answer.status === 401) return locked();
    if (!answer.ok) {
      // What we asked to go on from cannot be had: begin with the present.
      if (answer.status < 500 && answer.status !== 429) last = "";
      told_ms = Math.min(1000 * Number(answer.headers.get("Retry-After")), LONGEST_TOLD_MS);
      throw new Error(`status ${answer.status}`);
    }
    const text = new TextDecoder();
    failed = 0;
    const read = parser(take); // a new one: a connection may break within an event
    const body = answer.body.getReader();
    for (;;) {
      const { done, value } = await body.read();
      if (done) return null;
      attempt.begun_ms = performance.now();
      read(text.decode(value, { stream: true }));
    }
  };

  (async () => {
    let wait_ms = FIRST_WAIT_MS;
    for (;;) {
      const begun_ms = performance.now();
      try {
        await once();
      } catch {
        // A short break that heals is no news; a second refusal, or silence, is.
        failed += 1;
        if (failed > 1) lost("nobody answers");
      }
      const held = performance.now() - begun_ms > 5000;
      wait_ms = held ? FIRST_WAIT_MS : Math.min(2 * wait_ms, LONGEST_WAIT_MS);
      await new Promise((go) => setTimeout(go, Math.max(wait_ms, told_ms)));
      told_ms = 0;
    }
  })();
}
