"""Scenarios that are wrong in one way each, with where the error must point and what it must say.

A wrong line is marked with `# here`; a scenario is `BASE` with the lines replaced that begin so.
"""

from dataclasses import dataclass, field

BASE = """\
name: week
horizon: 7 d
cases: {source: nominal, population: {prevalence: 0.1}, ai: {sensitivity: 0.9, specificity: 0.8}}
arrivals: {rate_per_h: 6}
pathway:
  - {id: imaging, staff: nurse, service: 6 min, then: ai}
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: 8 min, queue: ai, then: {biopsy: referred, end: otherwise}}
  - {id: biopsy, staff: surgeon, service: 20 min, then: end}
staff: {nurse: 1, reader: 1, surgeon: 2}
"""
CLASSES = "arrivals: {rate_per_h: 6}\nclasses:\n  - {id: a, share: 0.5}\n"
ROSTER = "staff:\n  reader: 1\n  surgeon: 2\n  nurse:\n    count: 2\n"


@dataclass(frozen=True, slots=True)
class Broken:
    """One scenario that must be refused."""

    name: str
    lines: dict[str, str]  # beginning of a line of BASE -> what stands there instead
    key: str  # of the error
    words: tuple[str, ...]  # of the reason, the wrong value among them
    more: str = ""  # below all
    whole: str | None = None  # the whole text, where it is not made from BASE
    files: dict[str, str] = field(default_factory=dict)  # beside it
    at: str = "# here"  # what stands in the line that the error must name
    structural: bool = False  # so wrong that the JSON Schema must refuse it, too

    @property
    def text(self) -> str:
        """The scenario's text."""
        if self.whole is not None:
            return self.whole
        found = []
        for line in BASE.splitlines():
            [replaced] = [new for old, new in self.lines.items() if line.startswith(old)] or [line]
            found.append(replaced.rstrip("\n"))
        return "\n".join(found) + "\n" + self.more

    @property
    def line(self) -> int | None:
        """Number of the line that the error must name, from 1."""
        marked = [n for n, line in enumerate(self.text.splitlines(), 1) if self.at in line]
        return marked[0] if marked else None


def _one(
    name: str,
    old: str,
    new: str,
    key: str,
    *words: str,
    structural: bool = True,
    at: str = "# here",
) -> Broken:
    return Broken(name, {old: new}, key, words, structural=structural, at=at)


def _added(
    name: str, more: str, key: str, *words: str, structural: bool = True, **files: str
) -> Broken:
    named = {name.replace("_", "."): text for name, text in files.items()}
    return Broken(name, {}, key, words, more, structural=structural, files=named)


def _node(
    name: str, node: str, key: str, *words: str, structural: bool = True, at: str = "# here"
) -> Broken:
    """Put a node in the place of `imaging`."""
    new = f"  - {node}  # here"
    return _one(name, "  - {id: imaging", new, key, *words, structural=structural, at=at)


def _read(
    name: str, then: str, key: str, *words: str, structural: bool = False, at: str = "# here"
) -> Broken:
    """Lead from `read` elsewhere."""
    node = f"  - {{id: read, staff: reader, service: 8 min, queue: ai, then: {then}}}  # here"
    return _one(name, "  - {id: read", node, key, *words, structural=structural, at=at)


def _arrivals(name: str, arrivals: str, key: str, *words: str, structural: bool = True) -> Broken:
    new = f"arrivals: {arrivals}  # here"
    return _one(name, "arrivals:", new, key, *words, structural=structural)


def _cases(
    name: str, cases: str, key: str, *words: str, structural: bool = True, at: str = "# here"
) -> Broken:
    new = f"cases: {cases}  # here"
    return _one(name, "cases:", new, key, *words, structural=structural, at=at)


def _classes(
    name: str, one: str, key: str, *words: str, structural: bool = False, at: str = "# here"
) -> Broken:
    """Add a class that has half of the arrivals."""
    new = f"{CLASSES}  - {one}  # here"
    return _one(name, "arrivals:", new, key, *words, structural=structural, at=at)


def _loop(
    name: str,
    lines: dict[str, str],
    more: str,
    key: str,
    *words: str,
    structural: bool = False,
    at: str = "# here",
) -> Broken:
    """Give the clinic rendered lesions, and something that comes back to the twin."""
    lines = {"cases:": "cases: {source: synthetic, bank: 100}"} | lines
    return Broken(name, lines, key, words, more, structural=structural, at=at)


def _whole(name: str, text: str, key: str, *words: str, structural: bool = False) -> Broken:
    return Broken(name, {}, key, words, whole=text, structural=structural)


KEYS = [
    _one("unknown key at the top", "horizon:", "horizn: 7 d  # here", "horizn", "'horizon'"),
    _cases(
        "unknown key of the cases",
        "{source: nominal, ai: {sensitivty: 0.9, specificity: 0.8}, population: {}}",
        "cases.ai.sensitivty",
        "did you mean 'sensitivity'?",
    ),
    _node(
        "unknown key of a node",
        "{id: imaging, staff: nurse, servce: 6 min, then: ai}",
        "pathway.imaging.servce",
        "did you mean 'service'?",
    ),
    _classes(
        "unknown key of a class",
        "{id: b, share: 0.5, priorty: 1}",
        "classes.b.priorty",
        "did you mean 'priority'?",
        structural=True,
    ),
    _node(
        "unknown key of a queue",
        "{id: imaging, staff: nurse, service: 6 min, queue: {ordr: fifo}, then: ai}",
        "pathway.imaging.queue.ordr",
        "did you mean 'order'?",
    ),
    _one("no name", "name:", "about: x", "name", "is required"),
    _one("name with capitals", "name:", "name: Week 1  # here", "name", "'Week 1'"),
    _one("name that climbs", "name:", "name: ../x  # here", "name", "'../x'", "small letters"),
    _one("name of a number", "name:", "name: 5  # here", "name", "text, got 5"),
    _added("negative seed", "seed: -1  # here\n", "seed", "got -1"),
    _added("seed of words", "seed: yes  # here\n", "seed", "got 'yes'"),
    _added("clock unknown", "clock: fast  # here\n", "clock", "'virtual' or 'real'", "'fast'"),
    _added("speed without end", "speed: .inf  # here\n", "speed", "finite", structural=False),
    _added("start of no day", "start: Moonday 08:00  # here\n", "start", "'Moonday 08:00'"),
]

UNITS = [
    _one("missing unit", "horizon:", "horizon: 7  # here", "horizon", "7 has no unit"),
    _one("wrong unit", "horizon:", "horizon: 7 months  # here", "horizon", "'7 months'"),
    _one(
        "no time at all",
        "horizon:",
        "horizon: 0 d  # here",
        "horizon",
        "0",
        "more than 0",
        structural=False,
    ),
    _node(
        "service without unit",
        "{id: imaging, staff: nurse, service: 6, then: ai}",
        "pathway.imaging.service",
        "6 has no unit",
    ),
    _cases("share above one", "{population: {prevalence: 8}}", "cases.population.prevalence", "8"),
    _cases(
        "prevalence above 100 %",
        "{population: {prevalence: 800 %}}",
        "cases.population.prevalence",
        "'800 %'",
        structural=False,
    ),
    _cases(
        "skin tones that do not sum to one",
        "{population: {skin_tone: {I-II: 0.5, V-VI: 0.4}}}",
        "cases.population.skin_tone",
        "sum to 0.9",
        structural=False,
    ),
]

ARRIVALS = [
    _arrivals("negative rate", "{rate_per_h: -6}", "arrivals.rate_per_h", "got -6"),
    _arrivals("zero rate", "{rate_per_h: 0}", "arrivals.rate_per_h", "got 0"),
    _arrivals("rate with a unit", "{rate_per_h: 6 /h}", "arrivals.rate_per_h", "got '6 /h'"),
    _arrivals("rate misspelt", "{rate: 6}", "arrivals.rate", "did you mean 'rate_per_h'?"),
    _arrivals("arrivals as a number", "6", "arrivals", "got 6", "rate_per_h"),
    _arrivals(
        "two rates", "{rate_per_h: 6, rate_per_d: 9}", "arrivals.rate_per_d", "beside rate_per_h"
    ),
    _arrivals("nothing about arrivals", "{}", "arrivals", "rate_per_h"),
    _one("no arrivals", "arrivals:", "about: nobody", "arrivals", "is required"),
    _one("arrivals without end", "horizon:", "about: x", "", "never end", structural=False),
    _arrivals(
        "replay not sorted",
        "{replay: {times: [0, 12, 5]}}",
        "arrivals.replay.times.2",
        "5 min comes after 12",
        structural=False,
    ),
    _arrivals(
        "replay without its file",
        "{replay: {file: none.csv, column: t, unit: min}}",
        "arrivals.replay.file",
        "none.csv",
        structural=False,
    ),
    Broken(
        "replay of a wrong column",
        {"arrivals:": "arrivals: {replay: {file: log.csv, column: tme, unit: min}}  # here"},
        "arrivals.replay.file",
        ("'tme'", "time"),
        files={"log.csv": "time\n1\n"},
    ),
    _arrivals("replay of a wrong unit", "{replay: {file: log.csv, unit: m}}", "replay.unit", "'m'"),
]

DISTRIBUTIONS = [
    _node(
        "unknown distribution",
        "{id: imaging, staff: nurse, service: {lognorml: {mean: 6 min}}, then: ai}",
        "pathway.imaging.service.lognorml",
        "did you mean 'lognormal'?",
    ),
    _node(
        "wrong parameter",
        "{id: imaging, staff: nurse, service: {gamma: {mean: 6 min, ds: 2 min}}, then: ai}",
        "pathway.imaging.service.gamma.ds",
        "did you mean 'sd'?",
    ),
    _node(
        "impossible parameters",
        "{id: imaging, staff: nurse, service: {uniform: {low: 6 min, high: 2 min}}, then: ai}",
        "pathway.imaging.service.uniform",
        "6",
        structural=False,
    ),
    _node(
        "empirical without its file",
        "{id: imaging, staff: nurse, then: ai,"
        " service: {empirical: {file: none.csv, column: t, unit: min}}}",
        "pathway.imaging.service.empirical.file",
        "none.csv",
        structural=False,
    ),
    Broken(
        "empirical of a wrong column",
        {
            "  - {id: imaging": "  - {id: imaging, staff: nurse, then: ai,"
            " service: {empirical: {file: t.csv, column: tmes, unit: min}}}  # here"
        },
        "pathway.imaging.service.empirical.column",
        ("'tmes'", "did you mean 'times'?"),
        files={"t.csv": "times\n1\n"},
    ),
    Broken(
        "empirical with a bad cell",
        {
            "  - {id: imaging": "  - {id: imaging, staff: nurse, then: ai,"
            " service: {empirical: {file: t.csv, column: times, unit: min}}}  # here"
        },
        "pathway.imaging.service.empirical.file",
        ("'soon'", "line 3"),
        files={"t.csv": "times\n1\nsoon\n"},
    ),
]

PATHWAY = [
    _whole("empty pathway", "name: x\nhorizon: 1 d\narrivals: {rate_per_h: 1}\npathway: []  # here"
           "\n", "pathway", "is empty", structural=True),
    _read("cycle without exit", "imaging", "pathway.imaging.then", "cycle", "imaging, ai, read",
          at="{id: imaging"),
    _read("unreachable node", "end", "pathway.biopsy", "'biopsy' is never reached",
          at="{id: biopsy"),
    _read("probabilities below one", "{biopsy: 0.3, end: 0.6}", "pathway.read.then", "0.9"),
    _read("probabilities above one", "{biopsy: 0.6, end: 0.6}", "pathway.read.then", "1.2"),
    _read("no otherwise", "{biopsy: referred}", "pathway.read.then", "'otherwise'"),
    _read(
        "two otherwise", "{biopsy: otherwise, end: otherwise}", "pathway.read.then.end", "only one"
    ),
    _read("route to nowhere", "{biopsi: referred, end: otherwise}", "pathway.read.then.biopsi",
          "did you mean 'biopsy'?"),
    _read("unknown fact", "{biopsy: refered, end: otherwise}", "pathway.read.then.biopsy",
          "did you mean 'referred'?"),
    _read("code in a condition", "{biopsy: \"__import__('os').getcwd()\", end: otherwise}",
          "pathway.read.then.biopsy", "__import__", "no condition"),
    _read("attribute of a fact", "{biopsy: age.real > 3, end: otherwise}",
          "pathway.read.then.biopsy", "age.real"),
    _read("exit that is never taken", "{imaging: 1.0, biopsy: 0.0}", "pathway.imaging.then",
          "cycle", at="{id: imaging"),
    _read("exit condition that never holds", "{biopsy: age > 400, imaging: otherwise}",
          "pathway.imaging.then", "1000", at="{id: imaging"),
    _node("node id twice", "{id: ai, staff: nurse, service: 6 min, then: read}", "pathway.1.id",
          "'ai' appears twice", structural=False, at="{id: ai, twin"),
    _node("reserved id", "{id: end, staff: nurse, service: 6 min, then: ai}", "pathway.end.id",
          "'end'", "choose another"),
    _node("staff unknown", "{id: imaging, staff: nurs, service: 6 min, then: ai}",
          "pathway.imaging.staff", "did you mean 'nurse'?", structural=False),
    _node("node of nothing", "{id: imaging, then: ai}", "pathway.imaging", "staff", "delay",
          "twin"),
    _node("order unknown",
          "{id: imaging, staff: nurse, service: 6 min, queue: lifo, then: ai}",
          "pathway.imaging.queue", "'lifo'", "'fifo'"),
    _node("order by the AI before it scored",
          "{id: imaging, staff: nurse, service: 6 min, queue: ai, then: ai}",
          "pathway.imaging.queue", "'ai'", "without a score", structural=False),
    _node("preempt without order",
          "{id: imaging, staff: nurse, service: 6 min, queue: {preempt: true}, then: ai}",
          "pathway.imaging.queue", "preempt", "'fifo'", structural=False),
    _node("preempt of an unknown kind",
          "{id: imaging, staff: nurse, service: 6 min, queue: {order: priority, preempt: hard},"
          " then: ai}", "pathway.imaging.queue.preempt", "'hard'"),
    _node("routes of a number", "{id: imaging, staff: nurse, service: 6 min, then: 3}",
          "pathway.imaging.then", "3"),
]  # fmt: skip

STAFF = [
    _one("empty staff", "staff:", "staff: {}", "", "3 problems", "pathway.imaging.staff", "'nurse'",
         structural=False),
    _one("nobody on duty", "staff:", "staff: {nurse: 0, reader: 1, surgeon: 2}  # here",
         "staff.nurse", "got 0"),
    _one("staff of words", "staff:", "staff: {nurse: one, reader: 1, surgeon: 2}  # here",
         "staff.nurse", "'one'"),
    _one("roster nonsense", "staff:", f"{ROSTER}    roster: Mon-Fry 08:00-17:00  # here",
         "staff.nurse.roster", "Mon-Fry 08:00-17:00", structural=False),
    _one("more absent than there are", "staff:",
         f"{ROSTER}    absent:\n      - {{from: 1 d, for: 2 d, count: 3}}  # here",
         "staff.nurse.absent.0.count", "3 cannot be away", structural=False),
    _one("unstable load", "staff:", "staff:\n  nurse: 1\n  surgeon: 1\n  reader: {count: 1, roster:"
         " Mon-Fri 08:00-12:00}  # here", "staff.reader", "load 6.72", "allow_unstable",
         structural=False),
]  # fmt: skip

CLASS = [
    _classes("class id twice", "{id: a, share: 0.5}", "classes.1.id", "'a' appears twice"),
    _classes("reserved class id", "{id: otherwise, share: 0.5}", "classes.otherwise.id",
             "'otherwise'", structural=True),
    _classes("priority at an unknown node", "{id: b, share: 0.5, priority: {raed: 1}}",
             "classes.b.priority.raed", "did you mean 'read'?"),
    _classes("class that never comes", "{id: b}", "classes.b", "'b'", "a share", structural=True),
    _classes("shares that do not sum to one", "{id: b, share: 0.4}", "classes", "0.9",
             at="classes:"),
    _classes("attribute shares", "{id: b, share: 0.5, attributes: {mobility: {walk: 0.8}}}",
             "classes.b.attributes.mobility", "0.8"),
]  # fmt: skip

CASES = [
    _cases("source unknown", "{source: nominl}", "cases.source", "'nominl'", "did you mean"),
    _cases("sensitivity without specificity",
           "{source: nominal, population: {}, ai: {sensitivity: 0.9}}", "cases.ai",
           "sensitivity and specificity"),
    _cases("ROC that falls",
           "{source: nominal, population: {}, ai: {roc: [{fpr: 0.2, tpr: 0.8},"
           " {fpr: 0.1, tpr: 0.9}]}}", "cases.ai.roc", "(0.1, 0.9) after (0.2, 0.8)",
           structural=False),
    _cases("nominal AI that nobody knows", "{source: nominal, population: {}}", "cases.ai",
           "is required", structural=False),
    _cases("model missing with images", "{source: images}", "model", "is required with images",
           structural=False, at="name: week"),
    Broken("exam on the training split", {"cases:": "cases: {source: images, images: {split: train"
           "}}", "name:": "name: week\nmodel: {learn_from: images, split: train}  # here"},
           "model.split", ("'train'", "has seen")),
]  # fmt: skip

SHIFTS = [
    _added("shift of nothing", "shifts: [{at: 1 d}]  # here\n", "shifts.0", "changes nothing",
           structural=False),
    _added("shift of an image that is not there", "shifts: [{at: 1 d, image: {defocus: 3}}]  # here"
           "\n", "shifts.0.image", "nominal cases have no image", structural=False),
    _added("severity above five", "shifts: [{at: 1 d, image: {defocus: 6}}]  # here\n",
           "shifts.0.image.defocus", "got 6"),
    _added("acquisition unknown", "shifts: [{at: 1 d, image: {blur: 3}}]  # here\n",
           "shifts.0.image", "'blur'"),
    _added("shift after the horizon", "shifts: [{at: 7 d, population: {prevalence: 0.2}}]  # here"
           "\n", "shifts.0.at", "begins at 1 w", "the horizon, 1 w", structural=False),
    _added("shift id twice", "shifts:\n  - {id: a, at: 1 d, population: {prevalence: 0.2}}\n"
           "  - {id: a, at: 2 d, population: {prevalence: 0.3}}  # here\n", "shifts.1.id",
           "'a' appears twice", structural=False),
    _added("shift with the name that another gets", "shifts:\n  - {id: shift-2, at: 1 d,"
           " population: {prevalence: 0.2}}\n  - {at: 2 d, population: {prevalence: 0.3}}  # here"
           "\n", "shifts.1", "'shift-2' appears twice", structural=False),
    _added("shift that ends before it is complete", "shifts: [{at: 1 d, over: 2 d, until: 2 d,"
           " population: {prevalence: 0.2}}]  # here\n", "shifts.0.until", "before it is complete",
           structural=False),
    _added("shift of an unknown diagnosis", "shifts: [{at: 1 d, population: {diagnoses: {melanom:"
           " 1}}}]  # here\n", "shifts.0.population.diagnoses", "'melanom'"),
    _added("shift to tones that do not sum to one", "shifts: [{at: 1 d, population: {skin_tone:"
           " {I-II: 0.5}}}]  # here\n", "shifts.0.population.skin_tone", "sum to 0.5",
           structural=False),
    _added("shift to diagnoses that do not sum to one", "shifts: [{at: 1 d, population:"
           " {diagnoses: {melanoma: 0.5}}}]  # here\n", "shifts.0.population.diagnoses",
           "malignant", "0.5", structural=False),
    _whole("shift of nobody's facts", "name: x\nhorizon: 7 d\ncases: {source: nominal}\narrivals:"
           " {rate_per_h: 1}\npathway: [{id: desk, staff: clerk, service: 1 min, then: end}]\n"
           "staff: {clerk: 1}\nshifts: [{at: 1 d, population: {prevalence: 0.2}}]  # here\n",
           "shifts.0.population", "changes nobody"),
    Broken("shift of who is on the images", {"cases:": "cases: {source: images}",
           "name:": "name: week\nmodel: {learn_from: images}"}, "shifts.0.population",
           ("each image comes once", "bank"),
           "shifts: [{at: 1 d, population: {prevalence: 0.2}}]  # here\n"),
    Broken("population of images that come once", {"name:": "name: week\nmodel: {learn_from:"
           " images}", "cases:": "cases: {source: images, population: {prevalence: 0.2}}  # here"},
           "cases.population", ("each image comes once",)),
    _cases("bank of all rendered lesions", "{source: synthetic, bank: all}", "cases.bank",
           "no end", structural=False),
    Broken("images of a bank without end", {"horizon:": "about: x", "name:": "name: week\nmodel:"
           " {learn_from: images}", "cases:": "cases: {source: images, bank: all}"}, "",
           ("never end",)),
]  # fmt: skip

_BY_TRUTH = "population: {referral: {malignant: 0.9, benign: 0.3}}"
REFERRAL = [
    _cases("referral of nobody", "{source: nominal, ai: {sensitivity: 0.9, specificity: 0.8},"
           " population: {referral: {malignant: 0, benign: 0}}}", "cases.population.referral",
           "keeps everybody", structural=False),
    _cases("referral of nobody's tone", "{source: nominal, ai: {sensitivity: 0.9, specificity:"
           " 0.8}, population: {referral: {skin_tone: {I-II: 0, III-IV: 0, V-VI: 0}}}}",
           "cases.population.referral", "keeps everybody", structural=False),
    _classes("referral of nobody in a class", "{id: b, share: 0.5, population: {referral:"
             " {malignant: 0, benign: 0}}}", "classes.b.population.referral", "keeps everybody"),
    Broken("referral that closes for good", {"horizon:": "about: x", "cases:": "cases: {source:"
           " nominal, count: 9, ai: {sensitivity: 0.9, specificity: 0.8}, population: {}}"},
           "shifts.0.population.referral", ("only a horizon",),
           "shifts: [{at: 1 d, population: {referral: {malignant: 0, benign: 0}}}]  # here\n"),
    _one("referral of those with an appointment", "arrivals:", "arrivals: {appointments: {every:"
         " 15 min, during: 'daily 08:00-16:00'}}\nclasses:\n  - {id: a, share: 1, " + _BY_TRUTH
         + "}  # here", "classes.a.population.referral", "referred already", structural=False),
    _one("referral of a log", "arrivals:", "arrivals: {replay: {times: [0, 5]}}\nclasses:\n"
         "  - {id: a, share: 1, " + _BY_TRUTH + "}  # here", "classes.a.population.referral",
         "referred already", structural=False),
    Broken("referral of images", {"cases:": "cases: {source: images, bank: all, " + _BY_TRUTH
           + "}  # here", "name:": "name: week\nmodel: {learn_from: images}"},
           "cases.population.referral", ("patients who came",)),
    _cases("referral above one", "{population: {referral: {malignant: 2}}}",
           "cases.population.referral.malignant", "2"),
]  # fmt: skip

ASKED = [
    _added("warm-up longer than the horizon", "warmup: 8 d  # here\n", "warmup", "8 d", "1 w",
           structural=False),
    _added("unknown metric", "gates:\n  - wait.raed.p95 < 3 d  # here\n", "gates.0",
           "did you mean 'wait.read.p95'?", structural=False),
    _added("malformed gate", "gates: [wait.read.p95 = 3 d]  # here\n", "gates.0", "is no gate"),
    _added("gate without a bound", "gates: [wait.read.p95 < soon]  # here\n", "gates.0", "'soon'"),
    _added("gate without a unit", "gates: [wait.read.p95 < 3]  # here\n", "gates.0", "'3'", "unit",
           structural=False),
    _added("gate with a wrong unit", "gates: [sensitivity > 3 d]  # here\n", "gates.0", "'3 d'",
           "share", structural=False),
    _added("gate not a number", "gates: [patients.arrived > nan]  # here\n", "gates.0", "'nan'"),
    _added("unknown group", "gates: ['wait.read.p95{tone=V-VI} < 3 d']  # here\n", "gates.0",
           "no group 'tone'", structural=False),
    _added("unknown value of a group", "gates: ['wait.read.p95{sex=f} < 3 d']  # here\n",
           "gates.0", "'f'", "female", structural=False),
    _added("gate that is no text", "gates: [3]  # here\n", "gates.0", "got 3"),
    _added("precision of nothing", "replications: {min: 5, precision: 0.1}  # here\n",
           "replications.of", "is required with precision"),
    _added("no replication", "replications: 0  # here\n", "replications", "0"),
    _added("sweep of an unknown key", "sweep: {staff.nurs: [1, 2]}  # here\n", "sweep.staff.nurs",
           "did you mean 'nurse'?", structural=False),
    _added("sweep of a misspelt setting", "sweep: {decision.treshold: [0.1, 0.2]}  # here\n",
           "sweep.decision.treshold", "did you mean 'threshold'?", structural=False),
    _added("sweep to an unsound point", "sweep:\n  arrivals.rate_per_h: [6, 600]  # here\n",
           "sweep.arrivals.rate_per_h", "arrivals.rate_per_h=600", "load", structural=False),
    _added("sweep over both", "sweep: {grid: {seed: [1]}, ranges: {seed: [1, 2]}, points: 3}"
           "  # here\n", "sweep", "give grid, or ranges"),
    _added("sweep over nothing", "sweep: {seed: []}  # here\n", "sweep.seed", "is empty"),
]  # fmt: skip

LOOP = [
    _added("labels of nobody", "feedback: {delay: 1 d}  # here\n", "feedback", "no image",
           structural=False),
    _added("stack of an AI without learners", "restack: {every: 1 d}  # here\n", "restack",
           "no base learners", structural=False),
    _added("drift of an AI without learners", "drift: {every: 1 d}  # here\n", "drift",
           "no base learners", structural=False),
    _added("fault of an AI without learners", "faults: [{at: 1 d, for: 1 d, component: svm}]"
           "  # here\n", "faults", "no base learners", structural=False),
    _loop("labels without a decision", {"  - {id: read": "  - {id: read, staff: reader, service: "
          "8 min, decides: 'no', then: {biopsy: 0.5, end: 0.5}}"}, "feedback: {delay: 1 d}"
          "  # here\n", "feedback", "nobody decides"),
    _loop("labels that never come", {}, "feedback: {delay: 1 d, verified: {biopsied: 0, "
          "discharged: 0}}  # here\n", "feedback.verified", "no label would ever come"),
    _loop("poison of an unknown group", {}, "feedback: {delay: 1 d, poison: [{share: 0.3, group: "
          "tone=V-VI}]}  # here\n", "feedback.poison.0.group", "'tone=V-VI'"),
    _loop("poison of a misspelt value", {}, "feedback: {delay: 1 d, poison: [{share: 0.3, group: "
          "sex=femal}]}  # here\n", "feedback.poison.0.group", "did you mean 'female'?"),
    _loop("poison of a class that there is not", {}, "feedback: {delay: 1 d, poison: [{share: 0.3,"
          " group: class=urgent}]}  # here\n", "feedback.poison.0.group", "'urgent'", "patient"),
    _loop("poison of who never comes", {"cases:": "cases: {population: {skin_tone: {I-II: 1}}}"},
          "feedback: {delay: 1 d, poison: [{share: 0.3, group: skin_tone=V-VI}]}  # here\n",
          "feedback.poison.0.group", "never comes", "I-II"),
    _loop("poison after the horizon", {}, "feedback: {delay: 1 d, poison: [{share: 0.3, at: 8 d}]}"
          "  # here\n", "feedback.poison.0.at", "8 d", "after the horizon"),
    _loop("poison that ends before", {}, "feedback: {delay: 1 d, poison: [{share: 0.3, at: 3 d, "
          "until: 2 d}]}  # here\n", "feedback.poison.0.until", "not after at"),
    _loop("stack without labels", {}, "restack: {every: 1 d}  # here\n", "restack",
          "give feedback"),
    _loop("two rows of epochs", {}, "feedback: {delay: 1 d}\nrestack: {every: 1 d}\n"
          "drift: {every: 12 h}  # here\n", "drift.every", "12 h", "1 d"),
    _loop("epochs without end", {"horizon:": "", "cases:": "cases: {count: 9}"},
          "drift: {}  # here\n", "drift", "give a horizon"),
    _loop("no epoch", {}, "drift: {every: 8 d}  # here\n", "drift.every", "8 d is longer"),
    _loop("window of less than an epoch", {}, "feedback: {delay: 1 d}\n"
          "restack: {every: 1 d, window: 12 h}  # here\n", "restack.window", "12 h", "1 d"),
    _loop("order after the last epoch", {}, "feedback: {delay: 1 d}\n"
          "restack: {every: 2 d, orders: [{at: 156 h, to: 0}]}  # here\n", "restack.orders.0.at",
          "156 h is after the last epoch, 6 d"),
    _loop("order of a version to come", {}, "feedback: {delay: 1 d}\n"
          "restack: {every: 1 d, orders: [{at: 25 h, to: 2}]}  # here\n", "restack.orders.0.to",
          "version 2", "epoch 2", "0 to 1"),
    _loop("fault after the horizon", {}, "faults: [{at: 7 d, for: 1 d, component: svm}]  # here\n",
          "faults.0.at", "after the horizon, 1 w"),
    _loop("learner out twice at once", {}, "faults: [{at: 1 d, for: 2 d, component: svm}, "
          "{at: 2 d, for: 1 d, component: svm}]  # here\n", "faults.1.component",
          "svm is out already", "1 d to 3 d"),
    _loop("all learners out", {}, "faults:  # here\n" + "".join(
          f"  - {{at: {place} h, for: 1 d, component: {name}}}\n" for place, name in enumerate(
          ("catboost", "xgboost", "svm", "random_forest", "gradient_boosting", "knn"))),
          "faults.5.at", "from 5 h on all 6 learners", at="component: knn"),
    _loop("unknown learner", {}, "faults: [{at: 1 d, for: 1 d, component: svn}]  # here\n",
          "faults.0.component", "did you mean 'svm'?", structural=True),
    _loop("gate of a misspelt margin", {}, "feedback: {delay: 1 d}\n"
          "restack: {gate: {auc_drop_mx: 0.1}}  # here\n", "restack.gate.auc_drop_mx",
          "'auc_drop_max'", structural=True),
]  # fmt: skip

YAML = [
    _whole("not a mapping", "- name: x\n", "", "expected keys and values"),
    _whole("nothing", "", "", "expected keys and values"),
    _whole("tab", "name: x\n\tabout: y  # here\n", "", "YAML", r"'\t'", "spaces"),
    _whole("bracket left open", "name: [x\n", "", "YAML"),
    _whole("duplicate key", "name: x\nhorizon: 1 d\nname: y  # here\n", "name", "twice", "line 1"),
    _whole("tag", "name: !!python/object/apply:os.getcwd []  # here\n", "name", "tag"),
    _whole("alias bomb", "a: &a [x, x]\nb: &b [*a, *a]  # here\nc: [*b, *b]\n", "", "aliases"),
    _whole("deep nesting", "name: " + "[" * 500 + "]" * 500 + "  # here\n", "", "32 deep"),
    _whole("huge file", "name: " + "x" * 2**20, "", "bytes"),
    _whole("huge value", BASE.replace("7 d", "x" * 9000), "horizon", "x" * 40, structural=True),
    _whole("huge key", f"{BASE}? {'y' * 9000}\n: 1\n", "y" * 40, "unknown key", structural=True),
    _whole("key of two lines", BASE + '"a\\nb": 1  # here\n', r"'a\nb'", "unknown key",
           structural=True),
    _whole("many problems", BASE + "".join(f"z{n}: 1\n" for n in range(300)), "", "300 problems",
           structural=True),
    _added("base missing", "extends: none.yaml  # here\n", "extends", "none.yaml",
           structural=False),
    _added("base with a zero byte", 'extends: "a\\0.yaml"  # here\n', "extends",
           structural=False),
    _added("base that is no name", "extends: [a.yaml]  # here\n", "extends", "['a.yaml']"),
    _added("bases in a circle", "extends: broken.yaml  # here\n", "extends", "circle",
           structural=False),
    _added("base that is a folder", "extends: .  # here\n", "extends", "file", structural=False),
]  # fmt: skip

BROKEN = [
    *KEYS,
    *UNITS,
    *ARRIVALS,
    *DISTRIBUTIONS,
    *PATHWAY,
    *STAFF,
    *CLASS,
    *CASES,
    *SHIFTS,
    *REFERRAL,
    *ASKED,
    *LOOP,
    *YAML,
]
