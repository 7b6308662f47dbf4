// Uploading a case: a picture and what is known of the patient; the verdict comes by the stream.

import { casePath, get, post, unique } from "./api.js";
import { openCase } from "./case.js";
import { verdictWords } from "./cases.js";
import { act, h, patch } from "./dom.js";
import { choice, input, send } from "./fields.js";
import { percent } from "./format.js";
import { announce, changed } from "./store.js";

const SITES = [
  "anterior torso",
  "posterior torso",
  "lateral torso",
  "head/neck",
  "upper extremity",
  "lower extremity",
  "palms/soles",
  "oral/genital",
];
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

function form() {
  const of = (title, id, name, values) => choice(title, id, name, [["", "not known"], ...values]);
  const file = { type: "file", accept: "image/jpeg,image/png", required: true };
  return h(
    "form",
    { "data-act": "upload", class: "fields", "aria-label": "Upload a case" },
    input("Picture (JPEG or PNG)", "up-image", "image", file),
    input("Age, years", "up-age", "age", { type: "number", min: 0, max: 120 }),
    of("Sex", "up-sex", "sex", ["female", "male"]),
    of("Body site", "up-site", "site", SITES),
    of("Fitzpatrick type", "up-tone", "skin_tone", TONES),
    send("Have it scored"),
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
  const { id, told } = sent;
  const p = told?.p_malignant == null ? "" : ` p ${percent(told.p_malignant)}`;
  const answer = told?.verdict || told?.rejected ? [verdictWords(told), p] : "waiting for its verdict…";
  const open = h("button", { type: "button", "data-act": "open-uploaded" }, "Open");
  return h("p", {}, `Case ${id}: `, answer, " ", open);
}
