// Elements are described anew at each redraw and patched into what is there: focus, scroll
// position, open details and running animations survive, and nothing is ever set as HTML text.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element; false, null and undefined attributes and children are left out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Return an SVG element. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((one) => one != null && one !== false && one !== "")
    .map((one) => (one instanceof Node ? one : document.createTextNode(String(one))));
}

/** Make the children of `parent` equal to `children`, touching only what differs. */
export function patch(parent, ...children) {
  const wanted = nodes(children);
  const keyed = new Map();
  for (const one of parent.childNodes) if (keyOf(one)) keyed.set(keyOf(one), one);
  let at = parent.firstChild;
  for (const node of wanted) {
    const key = keyOf(node);
    const same = key ? keyed.get(key) : at && !keyOf(at) && alike(at, node) ? at : null;
    if (!same) {
      parent.insertBefore(node, at);
    } else if (same === at) {
      at = at.nextSibling;
      morph(same, node);
    } else {
      parent.insertBefore(same, at);
      morph(same, node);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function keyOf(node) {
  return node.getAttribute?.("data-key") ?? null;
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.isEqualNode(fresh)) return;
  const pictured = old.dataset?.path && old.dataset.path === fresh.dataset?.path;
  for (const { name } of [...old.attributes]) {
    // Whether details are open is the reader's business; where pictures come from, picture.js's.
    if (name === "open" || (name === "src" && pictured)) continue;
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (name === "open" || (name === "value" && old === document.activeElement)) continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.nodeName === "TEXTAREA") return;
  patch(old, [...fresh.childNodes]);
}

/** Return details whose content is made only while they are open: most tables are never read. */
export function fold(key, title, build) {
  const there = document.querySelector(`details[data-fold="${CSS.escape(key)}"]`);
  return h("details", { "data-fold": key }, h("summary", {}, title), there?.open ? build() : null);
}

const acts = new Map();

/** Say what a control with `data-act="name"` does; it is called with the control. */
export function act(name, does) {
  acts.set(name, does);
}

function perform(event, control) {
  const does = acts.get(control.dataset.act);
  if (does) does(control, event);
}

/** Listen once for all controls: those that redraws bring need no listeners of their own. */
export function listen(folded, root = document) {
  root.addEventListener("toggle", (event) => event.target.dataset?.fold && folded(), true);
  root.addEventListener("click", (event) => {
    const control = event.target.closest("[data-act]");
    if (control && control.nodeName !== "FORM" && control.nodeName !== "SELECT") {
      perform(event, control);
    }
  });
  root.addEventListener("keydown", (event) => {
    // Parts of a diagram are buttons by role only, so Enter and Space are ours to hear.
    const control = event.target.closest("g[data-act]");
    if (control && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      perform(event, control);
    }
  });
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.dataset.act) perform(event, event.target);
  });
  root.addEventListener("change", (event) => {
    if (event.target.matches("select[data-act]")) perform(event, event.target);
  });
}
