// Where the parts of the pipeline stand: eight columns on a wide screen, a ladder on a phone.

export const LEARNERS = ["catboost", "xgboost", "svm", "random_forest", "gradient_boosting", "knn"];

// kind: a topic of the log, a component that tells of itself, or the API that we are asking.
const PARTS = {
  cases: { title: "cases", kind: "topic", topic: "cases" },
  worker: { title: "worker", kind: "component" },
  stem: { title: "imaging, stem", kind: "component" },
  ...Object.fromEntries(
    LEARNERS.map((name) => [name, { title: name.replace("_", " "), kind: "component" }]),
  ),
  meta: { title: "meta-learner", kind: "component" },
  verdicts: { title: "verdicts", kind: "topic", topic: "verdicts" },
  mirror: { title: "mirror", kind: "component" },
  api: { title: "API", kind: "component" },
  restacker: { title: "restacker", kind: "component" },
  explainer: { title: "explainer", kind: "component" },
};

// [from, to, what flows, aside]
export const EDGES = [
  ["cases", "worker", "arrivals"],
  ["worker", "stem", "stem"],
  ...LEARNERS.map((name) => ["stem", name, name]),
  ...LEARNERS.map((name) => [name, "meta", name]),
  ["meta", "verdicts", "answers"],
  ["verdicts", "mirror", "mirrored"],
  ["mirror", "api", "all"],
  ["restacker", "meta", "stacks", true],
  ["stem", "explainer", "explanations", true],
];

const W = 124;
const H = 84;
const LEARNER_W = 150; // their figures stand side by side

function wide() {
  const gap = 31; // room for what flows, in numbers
  const x = (column) => 4 + column * (W + gap);
  const rows_h = 74;
  const middle = 3 * rows_h - H / 2 - 3;
  const places = {};
  ["cases", "worker", "stem"].forEach((name, i) => (places[name] = [x(i), middle, W, H]));
  LEARNERS.forEach((name, i) => (places[name] = [x(3), 2 + i * rows_h, LEARNER_W, 66]));
  ["meta", "verdicts", "mirror", "api"].forEach(
    (name, i) => (places[name] = [x(4 + i) + LEARNER_W - W, middle, W, H]),
  );
  places.restacker = [x(4) + LEARNER_W - W, middle + H + 66, W, H];
  places.explainer = [x(2), middle + H + 66, W, H];
  return { width: x(7) + LEARNER_W + 2, height: 6 * rows_h + 2, places };
}

function narrow() {
  const places = {};
  const middle = 108;
  const step = H + 28;
  ["cases", "worker", "stem"].forEach((name, i) => (places[name] = [middle, 2 + i * step, W, H]));
  const top = 2 + 3 * step;
  LEARNERS.forEach((name, i) => {
    places[name] = [i % 2 ? 174 : 6, top + Math.floor(i / 2) * 76, 160, 66];
  });
  const below = top + 3 * 76 + 16;
  ["meta", "verdicts", "mirror", "api"].forEach(
    (name, i) => (places[name] = [middle, below + i * step, W, H]),
  );
  places.explainer = [6, below + 4 * step, 150, H];
  places.restacker = [184, below + 4 * step, 150, H];
  return { width: 340, height: below + 5 * step, places };
}

export const LAYOUTS = { wide: wide(), narrow: narrow() };

/** Return the parts with their names, in the order of the pipeline. */
export function parts() {
  return Object.entries(PARTS).map(([name, part]) => ({ name, ...part }));
}

/** Return the path of an edge between two places. */
export function edgePath(layout, from, to) {
  const [ax, ay, aw, ah] = LAYOUTS[layout].places[from];
  const [bx, by, bw, bh] = LAYOUTS[layout].places[to];
  const vertical = layout === "narrow" || Math.abs(bx + bw / 2 - ax - aw / 2) < W / 2;
  if (!vertical) {
    const [x1, y1, x2, y2] = [ax + aw, ay + ah / 2, bx - 2, by + bh / 2];
    const bend = (x2 - x1) / 2;
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  }
  const down = by > ay;
  const [x1, y1] = [ax + aw / 2, down ? ay + ah : ay];
  const [x2, y2] = [bx + bw / 2, down ? by - 2 : by + bh + 2];
  const bend = (y2 - y1) / 2;
  return `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
}

/** Return where the number beside an edge stands. */
export function edgeNumber(layout, from, to) {
  const [ax, ay, aw, ah] = LAYOUTS[layout].places[from];
  const [bx, by] = LAYOUTS[layout].places[to];
  if (layout === "narrow") return { x: ax + aw / 2 + 9, y: (ay + ah + by) / 2 + 4, anchor: "start" };
  return { x: (ax + aw + bx) / 2, y: ay + ah / 2 - 7, anchor: "middle" };
}
