// The head of the page, and banners: what must be known before anything else is believed.

import { h, patch } from "./dom.js";
import { clock, counted, eventTime, number, seconds } from "./format.js";
import { announce, state } from "./store.js";

const STALE_S = 1.5;
const MARKS = { live: "●", stale: "▲", unreachable: "✖", rebuilding: "◌", starting: "◌" };
const LOOKS = { live: "well", stale: "warn", unreachable: "bad", rebuilding: "warn", starting: "warn" };

const CONNECTIONS = {
  live: ["well", "● connected"],
  connecting: ["warn", "◌ connecting"],
  lost: ["bad", "✖ connection lost"],
  locked: ["warn", "▲ key needed"],
};

/** Return how the twin is: what the last heartbeat said, or else the last answer. */
function condition() {
  const told = state.beat ?? state.present;
  if (!told) return { name: "starting", freshness_s: null, behind: 0, degraded: [] };
  const freshness_s = told.freshness_s;
  const late = told.state === "live" && freshness_s > STALE_S;
  return { ...told, name: late ? "stale" : told.state };
}

export function drawHeader() {
  const { name, freshness_s } = condition();
  const twin = state.present ?? state.twin;
  const lost = state.connection === "lost";
  patch(
    document.getElementById("title"),
    h("h1", {}, twin?.name ?? "dermtwin", h("small", {}, " live twin")),
    h(
      "p",
      { class: "facts" },
      h("span", { class: `pill ${LOOKS[name] ?? "warn"}`, id: "state" }, `${MARKS[name] ?? "◌"} ${name}`),
      h("span", { id: "freshness" }, lost ? lastHeard() : fresh(freshness_s)),
      twin && h("span", {}, "model ", h("code", {}, twin.model_id ?? "unknown")),
      twin && h("span", {}, `revision ${number(state.beat?.revision ?? twin.revision)}`),
      twin && h("span", {}, `twin's time ${eventTime(twin.event_time_min)}`),
    ),
  );
  const [looks, words] = CONNECTIONS[state.connection];
  patch(
    document.getElementById("connection"),
    h("span", { class: `pill ${looks}` }, words),
  );
}

function fresh(freshness_s) {
  return freshness_s == null ? "no state yet" : `state of ${seconds(freshness_s)} ago`;
}

function lastHeard() {
  if (!state.heard_ms) return "nothing heard yet";
  return `last heard of ${seconds((performance.now() - state.heard_ms) / 1000)} ago`;
}

function because() {
  const why = state.beat?.trouble ?? state.present?.trouble;
  return why ? `: ${why}` : "";
}

// Each banner: when it shows, and what it says. The first line is what a screen reader is told.
function banners() {
  const found = [];
  const { name, freshness_s, behind } = condition();
  if (state.connection === "lost") {
    found.push({
      key: "lost",
      looks: "bad",
      title: "Connection to the API is lost.",
      more: `What you see may be old: ${lastHeard()}. Trying again…`,
    });
  } else if (state.beat || state.present) {
    if (name === "unreachable") {
      found.push({
        key: "unreachable",
        looks: "bad",
        title: "The mirror cannot be reached.",
        more: `The API is up, but Redis or the mirror is not${because()}. Last known: ${fresh(freshness_s)}.`,
      });
    } else if (name === "rebuilding") {
      found.push({
        key: "rebuilding",
        looks: "warn",
        title: "The state is being rebuilt from the log.",
        more: `${counted(behind ?? 0, "record")} to go; figures are not complete.`,
      });
    } else if (name === "stale") {
      found.push({
        key: "stale",
        looks: "warn",
        title: "The state is stale.",
        more: `It is that of ${seconds(freshness_s)} ago, ${counted(behind ?? 0, "record")} behind the log.`,
      });
    } else if (name === "starting") {
      found.push({ key: "starting", looks: "warn", title: "The twin is starting.", more: because().slice(2) });
    }
  }
  if (state.at !== null) {
    const as_of = state.twin?.as_of;
    const when = as_of ? `, as it was at ${clock(as_of.folded_unix_s)}` : "";
    const gone = state.refused.twin?.message; // a moment that is no longer kept, or not yet there
    found.push({
      key: "past",
      looks: "past",
      title: "You are looking at the past.",
      more: gone ?? `Revision ${number(state.at)}${when}. Nothing below is of now.`,
      control: h("button", { type: "button", "data-act": "live" }, "Back to live"),
    });
  }
  if (state.connection === "locked") found.push(keyBanner());
  return found;
}

function keyBanner() {
  return {
    key: "key",
    looks: "warn",
    title: "The API asks for a key.",
    more: state.why,
    control: h(
      "form",
      { "data-act": "use-key", class: "inline" },
      h("label", { for: "api-key" }, "Key"),
      h("input", { id: "api-key", name: "key", type: "password", autocomplete: "off" }),
      h("button", { type: "submit" }, "Use for this tab"),
    ),
  };
}

let shown = "";

export function drawBanners() {
  const found = banners();
  patch(
    document.getElementById("banners"),
    found.map(({ key, looks, title, more, control }) =>
      h(
        "div",
        { class: `banner ${looks}`, "data-key": key, id: `banner-${key}`, role: "region", "aria-label": title },
        h("p", {}, h("strong", {}, title), " ", more),
        control,
      ),
    ),
  );
  // Only that something changed is said, not each second of it.
  const keys = found.map(({ key }) => key).join(" ");
  if (keys !== shown) {
    const was = shown;
    shown = keys;
    if (found.length) announce(found.map(({ title }) => title).join(" "));
    else if (was) announce("The twin is live.");
  }
}
