"""The sections of the scenario reference: titles, texts, examples, and which keys they list."""

from typing import Final

from simulator.language.loop_sections import LOOP_SECTIONS
from simulator.language.reference_text import Section
from simulator.language.stress_sections import STRESS_SECTIONS

SECTIONS: Final = (
    Section(
        title="The scenario",
        text="The keys at the top. `name` and `pathway` are needed, and `arrivals` unless each "
        "class has its own; a `horizon` or a `cases.count` ends the arrivals. With `stress` only "
        "`name` is.",
        tables={"Scenario": "the scenario"},
        example="""\
name: two-weeks
about: One reader, around the clock.
question: How long do patients wait?
seed: 42
start: Mon 08:00
horizon: 2 w
ending: stop              # whoever is inside at the horizon is not served any more
warmup: 1 d               # left out of all figures; or auto
replications: 10
cases: {source: nominal}
arrivals: {rate_per_h: 6}
pathway:
  - {id: read, staff: reader, service: 8 min, decides: "no", then: end}
staff: {reader: 1}
""",
    ),
    Section(
        title="cases: who comes",
        text="`synthetic` renders lesions that the AI scores, `images` takes labelled images of "
        "`DERMTWIN_DATA`, and `nominal` has no images: the AI is known by its figures alone, so "
        "that millions of patients can be simulated. A nominal scenario about queues only needs "
        "no `population`.",
        tables={
            "NominalCases": "source: nominal",
            "SyntheticCases": "source: synthetic",
            "ImageCases": "source: images",
            "ImageSpec": "images",
        },
        example="""\
cases:
  source: nominal
  population:
    prevalence: 8 %                                   # malignant lesions
    skin_tone: {I-II: 50 %, III-IV: 35 %, V-VI: 15 %} # Fitzpatrick types
    age: {mean: 52, sd: 17}                           # years
  ai: {sensitivity: 0.91, specificity: 0.87}
  count: 5000                                         # or give a horizon
""",
    ),
    Section(
        title="cases.population",
        text="Who the patients are. A class can have a population of its own. With a `referral`, "
        "arrivals are those who seek care, and only who is referred comes.",
        tables={
            "PopulationSpec": "population",
            "AgeSpec": "population.age",
            "ReferralSpec": "population.referral",
            "PopulationChange": "population, where only what is other is named",
        },
    ),
    Section(
        title="cases.bank: images that are scored once",
        text="With a `bank`, patients are drawn from a fixed number of images whose scores are "
        "computed before the run and kept for the next one, so that a million patients cost no "
        "million inferences. Rendered lesions and the images of a directory can both be a bank; "
        "images are drawn with weights that give the population asked for.",
        tables={"BankSpec": "bank"},
        example="""\
cases:
  source: synthetic
  population: {prevalence: 8 %}
  bank: 5000
""",
    ),
    Section(
        title="shifts: what changes while the clinic runs",
        text="Each shift has an onset, a ramp, and what is other about the patients (`population`) "
        "or their images (`image`, severity 1 to 5). On the ramp the share of patients whom it "
        "reaches rises along a straight line; each single patient is in it or not, and "
        "patients.csv says so.",
        tables={"ShiftSpec": "shifts, each one"},
        example="""\
horizon: 10 d
cases: {source: synthetic, bank: 2000}
shifts:
  - {id: more-melanoma, at: 3 d, over: 12 h, population: {prevalence: 15 %}}
  - {id: new-dermatoscope, at: 4 d, share: 50 %, image: {colour_cast: 2, defocus: 1}}
""",
    ),
    Section(
        title="cases.ai: an AI known by its figures",
        text="One operating point, or a ROC; with a ROC, `decision.threshold` chooses the point.",
        tables={"NominalAi": "ai", "RocPoint": "ai.roc, each point"},
        example="""\
cases:
  source: nominal
  population: {prevalence: 10 %}
  ai:
    roc:                         # from (0, 0) to (1, 1), which need not be written
      - {fpr: 0.05, tpr: 0.60}
      - {fpr: 0.20, tpr: 0.90}
decision: {threshold: 0.4}
""",
    ),
    Section(
        title="model: what scores",
        text="For `synthetic` and `images`. With images it is required, and it must not learn "
        "from the images that it is examined on.",
        tables={
            "SyntheticModel": "learn_from: synthetic",
            "ImageModel": "learn_from: images",
            "KnownModel": "id",
        },
        example="""\
cases: {source: images, images: {split: test}}
model: {learn_from: images, split: train}
""",
    ),
    Section(
        title="arrivals: when patients come",
        text="One of four forms, told apart by their key: `rate_per_h` or `rate_per_d` (at "
        "random), `gap` (independent gaps), `appointments`, or `replay` (a log).",
        tables={"PoissonArrivals": "at random"},
        example="""\
arrivals:
  rate_per_d: 60
  profile: weekday-clinic      # or emergency, six-day-clinic, 24 or 168 factors
  no_show: 8 %
""",
    ),
    Section(
        title="arrivals in groups",
        text="A `batch` is a number, a geometric mean, or sizes with shares.",
        tables={"BatchSpec": "batch"},
        example="""\
arrivals: {rate_per_h: 2, batch: {sizes: [1, 2], shares: [0.7, 0.3]}}
""",
    ),
    Section(
        title="arrivals with independent gaps",
        text="The gaps follow any distribution; a fixed time gives regular arrivals.",
        tables={"RenewalArrivals": "gap"},
        example="""\
arrivals: {gap: {gamma: {mean: 10 min, sd: 5 min}}}
""",
    ),
    Section(
        title="arrivals by appointment",
        text="`every` so often `during` weekly windows, or listed with `at`.",
        tables={
            "AppointmentArrivals": "arrivals",
            "AppointmentSpec": "appointments",
            "PunctualitySpec": "appointments.punctuality",
        },
        example="""\
arrivals:
  appointments:
    every: 15 min
    during: Mon-Fri 08:00-12:00, 13:00-16:00
    punctuality: {mean: -5 min, sd: 10 min}    # five minutes early on average
    no_show: 10 %
""",
    ),
    Section(
        title="arrivals from a log",
        text="The times of a CSV file beside the scenario, or listed. The file is read when the "
        "scenario is loaded; afterwards the scenario stands alone.",
        tables={
            "ReplayArrivals": "arrivals",
            "ReplayFile": "replay, from a file",
            "ReplaySpec": "replay, listed",
        },
        example="""\
arrivals:
  replay: {file: arrivals.csv, column: arrival, unit: datetime}   # or a unit: ms, s, min, h, d, w
""",
    ),
    Section(
        title="classes: groups of patients that differ",
        text="Each class has arrivals of its own or a `share` of the scenario's. It may differ "
        "in everything below; what it does not name is as for all. `attributes` are facts that "
        "routes can ask for.",
        tables={"ClassSpec": "each class"},
        example="""\
arrivals: {rate_per_h: 6}
classes:
  - id: urgent
    share: 20 %
    priority: 0                       # with `order: priority`, smaller goes first
    service: {read: 5 min}            # at this node
    population: {prevalence: 20 %}
  - id: routine
    share: 80 %
    priority: {read: 1}               # at this node; 0 elsewhere
    attributes: {transplant: 5 %, mobility: {walks: 0.9, chair: 0.1}}
    then: {imaging: {read: transplant, ai: otherwise}}
    patience: {biopsy: {exponential: {mean: 2 h}}}
pathway:
  - {id: imaging, staff: nurse, service: 6 min, then: ai}
  - {id: ai, twin: score, then: read}
  - id: read
    staff: reader
    service: 8 min
    queue: {order: priority, preempt: resume}
    then: {biopsy: referred, end: otherwise}
  - {id: biopsy, staff: surgeon, service: 20 min, then: end}
""",
    ),
    Section(
        title="pathway: nodes",
        text="Patients enter at the first node (or a class's `enter`) and leave at `end`. Three "
        "kinds of node: with `staff` and `service` (a queue and somebody who works), with "
        "`delay` (time passes, nobody is needed), and with `twin: score` (the AI scores; takes "
        "no time). At the node named `read` the reader decides who is referred.",
        tables={"StaffedNode": "with staff", "DelayNode": "with delay", "TwinNode": "with twin"},
        example="""\
pathway:
  - {id: imaging, staff: [nurse, room], service: 6 min, then: ai}    # both at the same time
  - {id: ai, twin: score, then: read}
  - id: read
    staff: reader
    service: {lognormal: {mean: 9 min, sd: 4 min}}
    queue: {order: ai, overdue_after: 3 h}
    then: {second-read: flagged and not referred, biopsy: referred, end: otherwise}
  - id: second-read
    staff: reader
    service: 5 min
    queue: ai
    decides: either                    # referred if either reader refers
    reader: {sensitivity: 0.95, specificity: 0.7, weight_of_ai: 0}
    then: {biopsy: referred, end: otherwise}
  - {id: biopsy, staff: surgeon, service: 20 min, then: laboratory}
  - {id: laboratory, delay: {lognormal: {mean: 3 d, sd: 1 d}}, diagnosis: true, then: end}
staff: {nurse: 2, room: 2, reader: 2, surgeon: 1}
""",
    ),
    Section(
        title="then: routes and conditions",
        text="`then` is a node or `end`; or several of them, each with a share, a condition, or "
        "`otherwise`. Conditions are tried in order; shares divide those whom no condition took; "
        "`otherwise` takes the rest. Shares without `otherwise` sum to 1.\n\n"
        "A condition is a fact, or a fact compared with a value by ==, !=, <, <=, >, >=, in or "
        "not in, joined by and, or, not. Words on the right need no quotes.",
        example="""\
pathway:
  - {id: triage, staff: nurse, service: 3 min, then: {imaging: 90 %, end: 10 %}}
  - {id: imaging, staff: nurse, service: 6 min, then: {imaging: 0.05, ai: otherwise}}
  - {id: ai, twin: score, then: {read: p_malignant >= 0.1 or age > 70, end: otherwise}}
  - id: read
    staff: reader
    service: 8 min
    then:
      imaging: flagged and not referred and visits < 2     # once more
      biopsy: referred and skin_tone in [V, VI]
      end: otherwise
  - {id: biopsy, staff: surgeon, service: 20 min, then: end}
""",
        after="The facts of every patient, beside a class's `attributes`:\n\n{facts}",
    ),
    Section(
        title="queue: order, preemption, room, patience",
        text="An order alone, or more. All nodes of one staff group have one order. With `ai` and "
        "`flag`, every way to the node leads through `twin: score`.",
        tables={"QueueSpec": "queue", "BalkSpec": "queue.balk"},
        example="""\
pathway:
  - id: call
    staff: nurse
    service: {exponential: {mean: 4 min}}
    queue:
      order: fifo
      room: 20                                  # the 21st is turned away
      full: end
      balk: {at_length: 10, share: 30 %}        # of those who find 10 waiting
      patience: {exponential: {mean: 5 min}}    # then they leave unserved
      left: reception
    then: end
  - {id: reception, staff: reader, service: 2 min, then: end}
""",
    ),
    Section(
        title="staff: rosters and absences",
        text="A group is a number of people (or rooms) who are always there, or a number with a "
        "weekly `roster`, or a list of duties with a count each. Work that runs over the end of "
        "a duty is finished.",
        tables={
            "StaffSpec": "each group",
            "DutySpec": "roster, each duty",
            "AbsenceSpec": "absent, each absence",
        },
        example="""\
staff:
  surgeon: 2                                           # at all times
  nurse: {count: 3, roster: "Mon-Sun 07:00-19:00"}
  reader:
    roster:                                            # added up where they overlap
      - {during: "Mon-Fri 08:00-18:00", count: 2}
      - {during: "daily 10:00-14:00", count: 1}
    absent:
      - {from: 2 d, for: 1 d, count: 1}                # from the start of the run
arrivals: {rate_per_d: 40}
""",
    ),
    Section(
        title="decision: who is referred",
        text="The threshold on the AI's probability, and how well the reader decides.",
        tables={"DecisionSpec": "decision", "ReaderSpec": "decision.reader, and a node's reader"},
        example="""\
decision:
  threshold: 0.5            # or model: the operating point that the model was trained to
  reader: {sensitivity: 0.89, specificity: 0.76, weight_of_ai: 0.5}
  missed_delay: 180 d
""",
    ),
    *LOOP_SECTIONS,
    *STRESS_SECTIONS,
    Section(
        title="replications: how often it is run",
        text="A number; or a least and a most number with the precision that ends it. Figures "
        "are means over replications with their interval.",
        tables={"ReplicationSpec": "replications"},
        example="""\
replications: {min: 10, max: 100, precision: 0.05, of: [wait.read.mean]}
""",
        after="`precision: 0.05` goes on until the half width of the interval is at most 5 % of "
        "the mean.",
    ),
    Section(
        title="gates: what must hold",
        text="A [metric](#metrics), one of `<`, `<=`, `>`, `>=`, `==`, and a bound: a duration "
        "for times, a number from 0 to 1 or a percentage for shares, a plain number for counts. "
        "A gate passes or fails only where the whole interval lies on one side; else it is "
        "inconclusive and the run says how many more replications would decide. With `stress`, "
        "gates are on the [metrics of a stress run](#metrics-under-load).",
        example="""\
gates:
  - wait.read.p95 < 3 h
  - missed_malignant.share < 15 %
  - sensitivity{skin_tone=V-VI} >= 0.8
  - utilisation.reader < 0.85
  - verdicts.lost == 0
""",
    ),
    Section(
        title="sweep: what is varied",
        text="Dotted keys and the values they take. Nodes and classes are named by their id. A "
        "mapping of keys to lists is a full grid; `ranges` with `points` is a Latin hypercube, for "
        "keys that take any number. All points share their random numbers, so that differences "
        "are sharp.",
        tables={"SweepSpec": "sweep"},
        example="""\
sweep:
  staff.reader: [1, 2, 3]
  pathway.read.queue.order: [fifo, ai]     # six points
""",
        after="A Latin hypercube:\n\n"
        "```yaml\n"
        "sweep:\n"
        "  ranges: {decision.reader.weight_of_ai: [0, 1], arrivals.rate_per_h: [3, 6]}\n"
        "  points: 20\n"
        "  seed: 1\n"
        "```",
    ),
    Section(
        title="extends: start from another scenario",
        text="`extends` names a file beside this one; this one says only what is different. "
        "Mappings are merged key by key, nodes and classes by their `id`. Answers are replaced "
        "as a whole: {whole}. Lists without ids are replaced, too. `null` takes back a key that "
        "has no default, such as "
        "`horizon`.",
        example="""\
extends: small-clinic.yaml
name: two-readers
staff: {reader: 2}
pathway:
  - {id: read, queue: {overdue_after: 4 h}}
""",
        after="`--set key=value` changes one key on the command line, after `extends`; the value "
        "is YAML, and the option can be repeated:\n\n"
        "```console\n"
        "$ dermtwin run clinic.yaml --set staff.nurse=2 --set pathway.read.queue.order=fifo \\\n"
        '    --set "gates=[wait.read.p95 < 2 h]"\n'
        "```\n\n"
        "Whatever a key of a sweep can be, `--set` can be, too. A staff group must exist; other "
        "keys are added. `staff.nurse=2` replaces the group, its roster too; "
        "`staff.nurse.count=2` changes the number alone.",
    ),
)
