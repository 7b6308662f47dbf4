// Controls with their labels.

import { h } from "./dom.js";

/** Return an input with its label; the id is its name within the page, `more` its attributes. */
export function input(label, id, name, more = {}) {
  return labelled(label, id, h("input", { id, name, ...more }));
}

/** Return a choice with its label; options are texts, or pairs of value and text. */
export function choice(label, id, name, options, more = {}) {
  const made = options.map((one) => {
    const [value, text, title] = typeof one === "string" ? [one, one] : one;
    return h("option", { value, title }, text);
  });
  return labelled(label, id, h("select", { id, name, ...more }, made));
}

/** Return a control with its label. */
export function labelled(label, id, control) {
  return h("div", {}, h("label", { for: id }, label), control);
}

/** Return the button that sends a form. */
export function send(text) {
  return h("div", {}, h("button", { type: "submit" }, text));
}

/** Return what went wrong, with the complaints that a problem lists. */
export function problemWords({ message, more }) {
  const errors = more?.errors ?? [];
  const line = (one) => (one.line ? `line ${one.line}, ` : "");
  return [
    h("p", { class: "problem" }, message),
    errors.length
      ? h(
          "ul",
          {},
          errors.map((one) => h("li", {}, line(one), h("code", {}, one.key), ` ${one.message}`)),
        )
      : null,
  ];
}
