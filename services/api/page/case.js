// One case in the drawer: picture, verdict, journey, labels; feedback; explanations on demand.

import { casePath, get, post, query, unique } from "./api.js";
import { verdictWords } from "./cases.js";
import { act, h } from "./dom.js";
import { drawerKey, openDrawer, redrawDrawer } from "./drawer.js";
import { explanations, forgetExplanations, startExplanations } from "./explain.js";
import { NONE, clock, counted, eventTime, fixed, minutes, number, percent, signed, words } from "./format.js";
import { picture } from "./picture.js";
import { announce, state } from "./store.js";

const STEPS = {
  CaseArrived: "Arrived",
  VerdictIssued: "Answered",
  CaseRejected: "Rejected",
  FeedbackReceived: "A label came back",
  CaseClosed: "Closed",
};

let shown = null; // {id, told, problem, sent, once}

export function startCase() {
  startExplanations();
  act("case", ({ dataset: { id } }) => openCase(id));
  act("feedback", feedback);
}

/** Open the drawer of a case. */
export function openCase(id) {
  shown = { id, once: unique() };
  openDrawer(`case ${id}`, draw, () => {
    shown = null;
    forgetExplanations();
  });
  load(id);
}

/** Ask for the open case again, as after news of it. */
export function caseChanged(id) {
  if (shown?.id === id && state.at === null) load(id);
}

async function load(id) {
  try {
    const told = await get(casePath(id, query({ revision: state.at })));
    if (shown?.id === id) Object.assign(shown, { told, problem: null });
  } catch (error) {
    if (shown?.id === id) shown.problem = error.message;
  }
  if (drawerKey() === `case ${id}`) redrawDrawer();
}

async function feedback(form) {
  const { id, told, once } = shown;
  // A later revision replaces earlier ones; two of one revision would only contradict each other.
  const revision = Math.max(0, ...told.labels.map((one) => one.revision + 1));
  const body = { label: form.elements.label.value, way: form.elements.way.value, revision };
  let sent;
  try {
    await post(casePath(id, "/feedback"), body, { once, more: { "If-Match": `"c${told.revision}"` } });
    sent = { text: `Sent: ${body.label}. It shows under labels as soon as the twin has it.` };
    shown.once = unique();
  } catch (error) {
    const stale = error.status === 412;
    sent = { bad: true, text: stale ? "The case has changed meanwhile; look again, then send." : error.message };
    if (stale) load(id);
  }
  if (shown?.id !== id) return;
  shown.sent = sent;
  announce(sent.text);
  redrawDrawer();
}

function draw() {
  const title = `Case ${shown.id}`;
  if (shown.problem && !shown.told) return { title, content: h("p", { class: "problem" }, shown.problem) };
  if (!shown.told) return { title, content: h("p", { class: "none", role: "status" }, "Asking for the case…") };
  const one = shown.told;
  return {
    title,
    content: [
      h("div", { class: "lesion" },
        picture(casePath(one.case_id, "/image?size=224"), "The lesion as the twin sees it", 224),
        facts(one)),
      verdict(one),
      section("Journey", journey(one)),
      section("Labels", labels(one), state.at === null ? feedbackForm(one) : null),
      section("Explanations", explanations(one)),
    ],
  };
}

const section = (title, ...content) => h("section", { "aria-label": title, "data-key": title }, h("h3", {}, title), content);
const pair = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value ?? NONE));

function facts(one) {
  const waits = Object.entries(one.waits_min ?? {}).map(([node, min]) => `${words(node)} ${minutes(min)}`).join(", ");
  return h(
    "dl",
    { class: "pairs" },
    pair("Stage", words(one.stage)),
    pair("Arrived", eventTime(one.arrived_min)),
    pair("Patient", [one.sex, one.age != null && `${number(one.age)} years`, one.skin_tone && `skin type ${one.skin_tone}`].filter(Boolean).join(", ") || NONE),
    pair("Body site", one.site ? words(one.site) : NONE),
    pair("Referred", one.referred == null ? NONE : one.referred ? "yes" : "no"),
    pair("Waited", waits || NONE),
    pair("Revision of the case", number(one.revision)),
  );
}

function verdict(one) {
  const told = one.verdict;
  if (one.rejected) return section("Verdict", h("p", {}, verdictWords(one), " ", typeof one.rejected === "string" ? one.rejected : ""));
  if (!told) return section("Verdict", h("p", { class: "none" }, "The stack has not answered yet."));
  const most = Math.max(...told.learners.map((l) => Math.abs(l.contribution ?? 0)), 1e-9);
  return section(
    "Verdict",
    h("p", {}, verdictWords(told), ` p ${percent(told.p_malignant)}, threshold ${percent(told.threshold)}; stack version ${told.stack}, model `, h("code", {}, told.model_id)),
    told.missing?.length ? h("p", { class: "note-warn" }, `▲ Without ${told.missing.map(words).join(", ")}: no score came from there.`) : null,
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Learners of this verdict" }, h(
      "table",
      {},
      h("caption", {}, `Log-odds in nats; intercept ${signed(told.intercept)}`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Learner"), ["Log-odds", "× weight", "= share"].map((c) => h("th", { scope: "col", class: "n" }, c)), h("td", {}))),
      h("tbody", {}, told.learners.map((l) =>
        h("tr", {}, h("th", { scope: "row" }, words(l.name)), h("td", { class: "n" }, signed(l.log_odds)), h("td", { class: "n" }, fixed(l.weight, 3)), h("td", { class: "n" }, signed(l.contribution)),
          h("td", { class: "bar-cell" }, h("span", { class: `share ${l.contribution < 0 ? "minus" : "plus"}`, style: `width:${(2.5 * Math.abs(l.contribution ?? 0)) / most}rem` }))))),
    )),
  );
}

function journey(one) {
  if (!one.journey?.length) return h("p", { class: "none" }, "No record of it is kept.");
  return h("ol", { class: "journey" }, one.journey.map((step) =>
    h("li", {}, h("strong", {}, STEPS[step.what] ?? words(step.what)), ` ${eventTime(step.at_min)} `,
      h("small", {}, step.sent_unix_ms == null ? "its record is no longer kept" : `sent ${clock(step.sent_unix_ms / 1000)}, revision ${number(step.revision)}`))));
}

function labels(one) {
  if (!one.labels?.length) return h("p", { class: "none" }, "No label came back yet.");
  return h("ul", { class: "plain" }, one.labels.map((l) =>
    h("li", {}, h("strong", {}, l.label), ` ${words(l.way)}, ${eventTime(l.at_min)}: `, l.counts ? "✔ counts" : `kept apart (${l.why || "no reason given"})`)));
}

function feedbackForm(one) {
  const options = (values) => values.map(([value, text]) => h("option", { value }, text));
  return h(
    "form",
    { "data-act": "feedback", class: "fields", "aria-label": "Send a label" },
    h("div", {}, h("label", { for: "fb-label" }, "Label"), h("select", { id: "fb-label", name: "label" }, options([["malignant", "malignant"], ["benign", "benign"], ["withdrawn", "withdraw earlier ones"]]))),
    h("div", {}, h("label", { for: "fb-way" }, "Found by"), h("select", { id: "fb-way", name: "way" }, options([["biopsied", "biopsy"], ["followed_up", "follow-up"], ["sampled", "sampling"]]))),
    h("div", {}, h("button", { type: "submit" }, "Send label")),
    shown.sent ? h("p", { class: shown.sent.bad ? "problem" : "muted" }, shown.sent.text) : h("p", { class: "muted" }, `${counted(one.labels?.length ?? 0, "label")} so far`),
  );
}
