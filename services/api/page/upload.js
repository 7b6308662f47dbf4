// Uploading a case: a picture and what is known of the patient; the verdict comes by the stream.

import { casePath, get, post, unique } from "./api.js";
import { openCase } from "./case.js";
import { verdictWords } from "./cases.js";
import { act, h, patch } from "./dom.js";
import { percent } from "./format.js";
import { announce, changed } from "./store.js";

const SITES = ["anterior torso", "posterior torso", "lateral torso", "head/neck", "upper extremity", "lower extremity", "palms/soles", "oral/genital"];
const TONES = ["I", "II", "III", "IV", "V", "VI"];

let sent = null; // {id, busy, problem, told}
let once = unique();

export function startUpload() {
  patch(document.getElementById("upload-form"), form());
  act("upload", upload);
  act("open-uploaded", () => openCase(sent.id));
  document.getElementById("upload-form").addEventListener("input", () => {
    once = unique(); // another case, not the same one again
  });
}

const select = (id, name, title, values) =>
  h("div", {}, h("label", { for: id }, title), h("select", { id, name }, h("option", { value: "" }, "not known"), values.map((one) => h("option", { value: one }, one))));

function form() {
  return h(
    "form",
    { "data-act": "upload", class: "fields", "aria-label": "Upload a case" },
    h("div", {}, h("label", { for: "up-image" }, "Picture (JPEG or PNG)"), h("input", { id: "up-image", name: "image", type: "file", accept: "image/jpeg,image/png", required: true })),
    h("div", {}, h("label", { for: "up-age" }, "Age, years"), h("input", { id: "up-age", name: "age", type: "number", min: 0, max: 120 })),
    select("up-sex", "sex", "Sex", ["female", "male"]),
    select("up-site", "site", "Body site", SITES),
    select("up-tone", "skin_tone", "Fitzpatrick type", TONES),
    h("div", {}, h("button", { type: "submit" }, "Have it scored")),
  );
}

async function upload(form_) {
  const body = new FormData();
  for (const [name, value] of new FormData(form_)) {
    if (value instanceof File ? value.size : value !== "") body.append(name, value);
  }
  sent = { busy: true };
  changed("upload");
  try {
    const { told } = await post("/v1/cases", body, { once });
    sent = { id: told.case_id, told: null };
    announce(`Case ${told.case_id} was sent.`);
    await uploadChanged(told.case_id);
  } catch (error) {
    sent = { problem: error.message };
  }
  changed("upload");
}

/** Ask for the uploaded case again, as after news of it. */
export async function uploadChanged(id) {
  if (!sent || sent.id !== id || sent.told?.verdict) return;
  try {
    const told = await get(casePath(id));
    if (sent?.id === id) sent.told = told;
  } catch {
    return; // Sent, and not folded yet: news of it will come.
  }
  changed("upload");
}

export function drawUpload() {
  patch(document.getElementById("uploaded"), words());
}

function words() {
  if (!sent) return null;
  if (sent.busy) return h("p", {}, "Sending…");
  if (sent.problem) return h("p", { class: "problem" }, sent.problem);
  const told = sent.told;
  return h(
    "p",
    {},
    `Case ${sent.id}: `,
    told?.verdict || told?.rejected ? [verdictWords(told), told.p_malignant == null ? "" : ` p ${percent(told.p_malignant)}`] : "waiting for its verdict…",
    " ",
    h("button", { type: "button", "data-act": "open-uploaded" }, "Open"),
  );
}
