// One case in the drawer: picture, verdict, journey, labels; feedback; explanations on demand.

import { casePath, get, post, query, unique } from "./api.js";
import { verdictWords } from "./cases.js";
import { act, h } from "./dom.js";
import { drawerKey, openDrawer, redrawDrawer } from "./drawer.js";
import { explanations, forgetExplanations, startExplanations } from "./explain.js";
import { choice, send } from "./fields.js";
import { NONE, clock, eventTime, fixed, minutes, number, percent, signed, words } from "./format.js";
import { picture } from "./picture.js";
import { announce, state } from "./store.js";
import { none, numbers, pairs, table } from "./table.js";

const LABELS = ["malignant", "benign", ["withdrawn", "withdraw earlier ones"]];
const WAYS = [["biopsied", "biopsy"], ["followed_up", "follow-up"], ["sampled", "sampling"]];
const STEPS = {
  CaseArrived: "Arrived",
  VerdictIssued: "Answered",
  CaseRejected: "Rejected",
  FeedbackReceived: "A label came back",
  CaseClosed: "Closed",
};

const BAR_REM = 4;

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
    const passed = error.status === 412;
    const again = "The case has changed meanwhile; look again, then send.";
    sent = { bad: true, text: passed ? again : error.message };
    if (passed) load(id);
  }
  if (shown?.id !== id) return;
  shown.sent = sent;
  announce(sent.text);
  redrawDrawer();
}

function draw() {
  const title = `Case ${shown.id}`;
  if (shown.problem && !shown.told) return { title, content: h("p", { class: "problem" }, shown.problem) };
  if (!shown.told) return { title, content: none("Asking for the case…") };
  const one = shown.told;
  return {
    title,
    content: [
      h("div", { class: "lesion" },
        picture(casePath(one.case_id, "/image?size=224"), "The lesion as the twin sees it", 224),
        facts(one)),
      verdict(one),
      section("Journey", journey(one)),
      section("Labels", labels(one), state.at === null ? feedbackForm() : null),
      section("Explanations", explanations(one)),
    ],
  };
}

const section = (title, ...content) =>
  h("section", { "aria-label": title, "data-key": title }, h("h3", {}, title), content);
function facts(one) {
  const waits = Object.entries(one.waits_min)
    .map(([node, min]) => `${words(node)} ${minutes(min)}`)
    .join(", ");
  const patient = [
    one.sex,
    one.age != null && `${number(one.age)} years`,
    one.skin_tone && `skin type ${one.skin_tone}`,
  ];
  return pairs([
    ["Stage", words(one.stage)],
    ["Arrived", eventTime(one.arrived_min)],
    ["Patient", patient.filter(Boolean).join(", ") || NONE],
    ["Body site", one.site ? words(one.site) : NONE],
    ["Referred", one.referred == null ? NONE : one.referred ? "yes" : "no"],
    ["Waited", waits || NONE],
    ["Revision of the case", number(one.revision)],
  ]);
}

function verdict(one) {
  const told = one.verdict;
  if (one.rejected) return section("Verdict", h("p", {}, verdictWords(one), ` ${one.rejected}`));
  if (!told) return section("Verdict", none("The stack has not answered yet."));
  const answer = `p ${percent(told.p_malignant)}, threshold ${percent(told.threshold)}`;
  const missing = told.missing.map(words).join(", ");
  return section(
    "Verdict",
    h(
      "p",
      {},
      verdictWords(told),
      ` ${answer}; stack version ${told.stack}, model `,
      h("code", {}, told.model_id),
    ),
    missing && h("p", { class: "note-warn" }, `▲ Without ${missing}: no score came from there.`),
    learnerTable(told),
  );
}

function learnerTable({ learners, intercept }) {
  const most = Math.max(...learners.map((one) => Math.abs(one.contribution ?? 0)), 1e-9);
  const bar = (value) =>
    h("span", {
      class: `share ${value < 0 ? "minus" : "plus"}`,
      style: `width:${(BAR_REM * Math.abs(value ?? 0)) / most}rem`,
    });
  return table({
    label: "Learners of this verdict",
    caption: `Log-odds in nats; intercept ${signed(intercept)}`,
    columns: ["Learner", ...["Log-odds", "× weight", "= share"].map(numbers), "towards malignant"],
    rows: learners.map((one) => ({
      cells: [
        words(one.name),
        signed(one.log_odds),
        fixed(one.weight, 3),
        signed(one.contribution),
        bar(one.contribution),
      ],
    })),
  });
}

function journey(one) {
  if (!one.journey.length) return none("No record of it is kept.");
  const sent = ({ sent_unix_ms: sent_ms, revision }) =>
    sent_ms == null
      ? "its record is no longer kept"
      : `sent ${clock(sent_ms / 1000)}, revision ${number(revision)}`;
  return h(
    "ol",
    { class: "journey" },
    one.journey.map((step) =>
      h(
        "li",
        {},
        h("strong", {}, STEPS[step.what] ?? words(step.what)),
        ` ${eventTime(step.at_min)} `,
        h("small", {}, sent(step)),
      ),
    ),
  );
}

function labels(one) {
  if (!one.labels.length) return none("No label came back yet.");
  const worth = ({ counts, why }) => (counts ? "✔ counts" : `kept apart (${why})`);
  return h(
    "ul",
    { class: "plain" },
    one.labels.map((label) =>
      h(
        "li",
        {},
        h("strong", {}, label.label),
        ` ${words(label.way)}, ${eventTime(label.at_min)}: ${worth(label)}`,
      ),
    ),
  );
}

function feedbackForm() {
  const { sent } = shown;
  return h(
    "form",
    { "data-act": "feedback", class: "fields", "aria-label": "Send a label" },
    choice("Label", "fb-label", "label", LABELS),
    choice("Found by", "fb-way", "way", WAYS),
    send("Send label"),
    sent && h("p", { class: sent.bad ? "problem whole" : "muted whole" }, sent.text),
  );
}
