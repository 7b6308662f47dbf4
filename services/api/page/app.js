// The page: what hears the stream, what draws which part. Everything shown comes from the API.

import { useKey } from "./api.js";
import { drawAccuracy } from "./accuracy.js";
import { caseChanged, startCase } from "./case.js";
import { drawCases, forgetMore, startCases } from "./cases.js";
import { componentChanged, startComponent } from "./component.js";
import { act, listen } from "./dom.js";
import { drawerKey, redrawDrawer, startDrawer } from "./drawer.js";
import { drawDrift } from "./drift.js";
import { heard, keepFed, refresh } from "./feeds.js";
import { drawForecast, startForecast } from "./forecast.js";
import { drawBanners, drawHeader } from "./header.js";
import { drawPipeline } from "./pipeline.js";
import { drawRuns, startRuns } from "./runs.js";
import { drawSeries } from "./series.js";
import { follow } from "./sse.js";
import { drawStacks } from "./stacks.js";
import { announce, changed, draws, state } from "./store.js";
import { drawSummary } from "./summary.js";
import { drawTime, startTime } from "./time.js";
import { drawUpload, startUpload, uploadChanged } from "./upload.js";

const CLOCK_MS = 500;

draws(["clock", "twin", "beat", "connection", "refused", "at"], drawHeader);
draws(["clock", "twin", "beat", "connection", "refused", "at"], drawBanners);
draws(["twin", "beat", "refused"], drawSummary);
draws(["components", "twin", "beat", "connection", "refused", "size"], drawPipeline);
draws(["twin", "time", "at"], drawTime);
draws(["series", "drift", "refused", "size", "at"], drawSeries);
draws(["performance", "refused", "at"], drawAccuracy);
draws(["stacks", "refused", "size"], drawStacks);
draws(["drift", "refused", "size"], drawDrift);
draws(["cases", "refused"], drawCases);
draws(["upload"], drawUpload);
draws(["runs", "scenarios", "refused"], drawRuns);
draws(["forecast", "scenarios", "size"], drawForecast);
draws(["at"], forgetMore);
draws(["components"], () => drawerKey()?.startsWith("component ") && redrawDrawer());

const followed = new Set(); // cases and components to ask for again, once for many events

const events = {
  heartbeat(told) {
    state.beat = told;
    state.heard_ms = performance.now();
    changed("beat");
  },
  change(told) {
    if (told.changed === false || told.changed === 0) return;
    heard(told.kind);
    followed.add(`${told.kind} ${told.id}`);
    changed("followed");
  },
  lost({ count, why }) {
    // Events that we were too slow for: what they said is asked for instead.
    announce(`${count} events were left out: ${why}.`);
    refresh();
  },
};

draws(["followed"], () => {
  for (const one of followed) {
    const [kind, id] = [one.slice(0, one.indexOf(" ")), one.slice(one.indexOf(" ") + 1)];
    if (kind === "case") {
      caseChanged(id);
      uploadChanged(id);
    } else if (kind === "component") {
      componentChanged(id);
    }
  }
  followed.clear();
});

function connection(now, why) {
  const was = state.connection;
  state.connection = now;
  state.why = why;
  if (now === "live" && was !== "live") {
    refresh(); // much may have happened while nobody listened
  }
  changed("connection", "clock");
}

function theme() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const button = document.getElementById("theme");
  const name = () => root.dataset.theme ?? system;
  const say = () => (button.textContent = name() === "dark" ? "Light colours" : "Dark colours");
  act("theme", () => {
    root.dataset.theme = name() === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("dermtwin-theme", root.dataset.theme);
    } catch {
      // Storage may be forbidden; the choice holds for this visit.
    }
    say();
  });
  say();
}

act("use-key", (form) => {
  useKey(form.elements.key.value.trim()); // the stream sees it, and all is asked again
});

listen(() => changed("components", "series", "stacks", "drift", "forecast"));
theme();
startDrawer();
startComponent();
startCases();
startCase();
startTime();
startUpload();
startRuns();
startForecast();
changed("clock", "twin", "components", "series", "performance", "stacks", "drift", "cases", "runs", "forecast");
setInterval(() => changed("clock"), CLOCK_MS);
let sized = null;
addEventListener("resize", () => {
  clearTimeout(sized);
  sized = setTimeout(() => changed("size"), 150);
});
keepFed();
follow("/v1/events", { event: (name, told) => events[name]?.(told), connection });
