"""Small sound scenarios that together say everything the language can say."""

QUEUE = """\
name: queue
horizon: 100 h
cases: {source: nominal}
arrivals: ARRIVALS
pathway:
  - {id: desk, staff: clerk, service: SERVICE, queue: QUEUE, then: end}
staff: {clerk: STAFF}
"""


def queue(more: str = "", **fields: str) -> str:
    """One queue at one desk, with some of its parts replaced."""
    text = QUEUE
    parts = {"ARRIVALS": "{rate_per_h: 6}", "SERVICE": "5 min", "QUEUE": "fifo", "STAFF": "1"}
    for name, value in (parts | {key.upper(): value for key, value in fields.items()}).items():
        text = text.replace(name, value)
    return text + more


ARRIVALS = {
    "rate a day": "{rate_per_d: 40, no_show: 8 %}",
    "profile by name": "{rate_per_h: 3, profile: emergency}",
    "profile of factors": f"{{rate_per_h: 3, profile: [{', '.join(['1', '2.5'] * 12)}]}}",
    "groups of two": "{rate_per_h: 3, batch: 2}",
    "geometric groups": "{rate_per_h: 3, batch: {mean: 2.5}}",
    "groups by size": "{rate_per_h: 3, batch: {sizes: [1, 2], shares: [0.7, 30 %]}}",
    "gap": "{gap: {gamma: {mean: 10 min, sd: 5 min}}}",
    "regular gap": "{gap: 10 min}",
    "appointments": "{appointments: {every: 15 min, during: 'Mon-Fri 08:00-12:00, 13:00-16:00',"
    " patients: 2, punctuality: {mean: -5 min, sd: 10 min}, no_show: 10 %}}",
    "slots": "{appointments: {at: ['Mon 08:00', 'Tue 09:30']}}",
    "log": "{replay: {times: [0, 12.5, 1 h]}}",
}
SERVICES = {
    "constant": "{constant: 5 min}",
    "exponential": "{exponential: {rate_per_h: 12}}",
    "lognormal": "{lognormal: {median: 4 min, sigma: 0.4}}",
    "gamma": "{gamma: {shape: 2.5, scale: 2 min}}",
    "erlang": "{erlang: {phases: 3, mean: 5 min}}",
    "weibull": "{weibull: {mean: 5 min, sd: 2 min}}",
    "uniform": "{uniform: {low: 2 min, high: 6 min}}",
    "triangular": "{triangular: {low: 1 s, mode: 5 min, high: 9.7 min}}",
    "pert": "{pert: {low: 2 min, mode: 5 min, high: 9 min}}",
    "normal": "{normal: {mean: 5 min, sd: 2 min}}",
    "hyperexponential": "{hyperexponential: {means: [2 min, 10 min], shares: [0.7, 0.3]}}",
    "loglogistic": "{loglogistic: {median: 4 min, shape: 3.5}}",
    "discrete": "{discrete: {values: [5 min, 6 min], shares: [0.3, 70 %]}}",
    "empirical": "{empirical: {values: [5 min, 1.1 min, 0.1 s]}}",
}
QUEUES = {
    "order alone": "priority",
    "preemption": "{order: priority, preempt: true}",
    "overdue": "{order: priority, overdue_after: 90 s}",
    "room": "{room: 0}",
    "impatience": "{balk: {at_length: 3, share: 20 %}, patience: {exponential: {mean: 1 h}}}",
}
STAFF = {
    "count": "{count: 3}",
    "roster": "{count: 8, roster: 'Mon-Fri 08:00-17:00'}",
    "duties": "{roster: [{during: 'daily 06:00-22:00', count: 3}, {during: 'Mon 22:00-06:00',"
    " count: 2}]}",
    "absence": "{count: 3, absent: [{from: 2 d, for: 1 d}, {from: 0 d, for: 1 h, count: 2}]}",
}
CLINIC = """\
name: clinic
about: "é: '#'"
question: How long, and for whom?
seed: 9007199254740993
start: Fri 16:30
horizon: 2 w
ending: stop
warmup: auto
replications: {min: 5, max: 50, precision: 0.05, of: [wait.read.p95, sensitivity], confidence: 0.9}
cases:
  source: nominal
  population: {prevalence: 12.5 %, skin_tone: {V-VI: 1}, age: {mean: 60, sd: 0}}
  ai: {roc: [{fpr: 0.1, tpr: 0.7}, {fpr: 0.1, tpr: 0.8}, {fpr: 40 %, tpr: 0.95}]}
  count: 5000
arrivals: {rate_per_h: 6}
classes:
  - {id: urgent, share: 20 %, enter: ai, priority: {read: -1}, service: {read: 5 min}}
  - id: routine
    share: 80 %
    priority: 2
    population: {prevalence: 0.01}
    attributes: {transplant: 5 %, mobility: {walks: 0.9, chair: 0.1}}
    then: {imaging: {lounge: mobility == chair, ai: otherwise}}
    patience: {biopsy: {exponential: {mean: 2 h}}}
  - id: emergency
    arrivals: {gap: {exponential: {mean: 3 h}}}
pathway:
  - {id: imaging, staff: [nurse, room], service: 6 min, then: ai}
  - {id: lounge, delay: 5 min, then: ai}
  - {id: ai, twin: score, then: read}
  - id: read
    staff: reader
    service: {lognormal: {mean: 6 min, sd: 3 min}}
    queue: {order: flag, preempt: resume, overdue_after: 1.1 h}
    then:
      second: flagged and not referred or age >= 80.5
      imaging: visits < 2 and skin_tone in [I, II]
      biopsy: referred
      end: otherwise
  - id: second
    staff: reader
    service: 1 min
    queue: {order: flag, preempt: resume}
    decides: both
    reader: {sensitivity: 1, specificity: 0.5, weight_of_ai: 0}
    then: {biopsy: 30 %, end: 0.7}
  - id: biopsy
    staff: nurse
    service: 20 min
    queue: {room: 5, full: lounge2, left: lounge2}
    then: laboratory
  - {id: laboratory, delay: {gamma: {mean: 3 d, sd: 1 d}}, diagnosis: true, then: end}
  - {id: lounge2, delay: 1 h, then: end}
staff: {nurse: 2, room: {count: 2}, reader: {count: 2, roster: 'daily 00:00-24:00'}}
decision:
  threshold: 0.3
  reader: {sensitivity: 0.9}
  missed_delay: 0.1 d
gates:
  - wait.read.p95{class=urgent} < 3 d
  - missed_malignant.share<=15 %
  - sensitivity{skin_tone=V-VI} >= 0.8
  - verdicts.lost == 0
sweep:
  grid: {staff.nurse: [2, {count: 3}], pathway.read.queue.preempt: ["no", resume]}
allow_unstable: true
"""
IMAGES = """\
name: images
clock: real
speed: 1.0e-7
cases: {source: images, images: {split: test, order: listed}, count: 5}
model: {learn_from: images, split: train}
arrivals: {rate_per_h: 6}
pathway: [{id: read, staff: reader, service: 5 min, then: end}]
staff: {reader: 1}
"""
LOOP = """\
name: loop
horizon: 8 w
cases: {source: synthetic, bank: {size: 200, malignant: 0.4}, population: {prevalence: 0.2}}
arrivals: {rate_per_d: 40}
pathway: [{id: read, staff: reader, service: 5 min, then: end}]
staff: {reader: 1}
shifts:
  - {id: device, at: 3 w, over: 1 w, image: {colour_cast: 4}}
feedback:
  delay: {lognormal: {mean: 3 d, sd: 1 d}}
  verified: {biopsied: 98 %, discharged: 0.05}
  follow_up: {share: 20 %, after: 1 w}
  label_noise: 0.01
  corrected: 0.5
  withdrawn: 0.001
  duplicates: 0.02
  unknown: 0.003
  poison: [{share: 0.3, group: site=back}, {share: 1, at: 1 d, until: 36 h}]
restack:
  every: 1 w
  window: 4 w
  weighting: estimated
  remedies: [recalibrate, restack]
  gate: {auc_drop_max: 0.02, label_noise_max: 10 %, per: [site], confidence: 0.9}
  rollback: false
  orders: [{at: 36 d, to: 0}]
drift: {every: 1 w, detectors: [kswin], window_cases: 100}
faults: [{at: 2 d, for: 1 d, component: xgboost}]
"""
STRESS = """\
name: stress
clock: real
cases: {source: synthetic, population: {prevalence: 0.2}}
arrivals: {rate_per_d: 40}
pathway: [{id: read, staff: reader, service: 5 min, then: end}]
staff: {reader: 1}
stress:
  profile: {spike: {base_per_s: 20, peak_per_s: 90, at: 30 s, last: 10 s, for: 90 s}}
  warmup: 10 s
  objective: {p99: 2 s, p50: 250 ms}
  shed: {above: 5 s, keep: 50 %}
  workers: 2
steady_state: [latency.p99_ms < 2000, lag.cases < 200, verdicts.lost == 0]
faults:
  - {at: 20 s, kill: worker}
  - {at: 20.5 s, for: 5 s, slow: catboost, by: 200 ms}
  - {at: 0 s, for: 1 min, skew: worker-2, by: -5 min}
  - {at: 9 s, send: labels_twice, count: 10}
  - {at: 30 s, for: 6 s, component: knn}
gates: [recovery_s.max < 30, mirror.equal == 1]
"""
KNEE = """\
name: knee
clock: real
stress:
  profile: {knee: {from_per_s: 20, to_per_s: 200, hold: 20 s, precision: 5 %}}
  warmup: 5 s
  objective: {p50: 250 ms, max: 4 s}
gates: [knee.rate_per_s > 30]
"""
UNATTENDED = """\
name: load-without-a-clinic
clock: real
stress: {profile: {ramp: {from_per_s: 10, to_per_s: 80, for: 2 min}}, shed: {above: 5 s}}
classes:
  - {id: urgent, share: 20 %, priority: -1}
  - {id: soon, share: 30 %, priority: 1}
  - {id: routine, share: 50 %, priority: 2}
"""
FEATURES = {
    "clinic": CLINIC,
    "stress": STRESS,
    "knee": KNEE,
    "load without a clinic": UNATTENDED,
    "loop": LOOP,
    "loop without a gate": LOOP.replace("gate: {", "gate: off\n  #"),
    "images": IMAGES,
    "known model": IMAGES.replace("{learn_from: images, split: train}", "{id: '1e3'}"),
    "rendered lesions": queue().replace(
        "{source: nominal}", "{population: {prevalence: 0.5}}\nmodel: {cases: 50, seed: 1}"
    ),
    "hypercube": queue("sweep: {ranges: {arrivals.rate_per_h: [1, 6.5]}, points: 4, seed: 3}\n"),
    "short grid": queue("sweep: {seed: [1, 2]}\n"),
    "replications": queue("replications: 7\n"),
    "precision": queue("replications: {min: 2, precision: 0.1, of: [wait.desk.mean]}\n"),
    **{f"arrivals: {name}": queue(arrivals=text, staff="9") for name, text in ARRIVALS.items()},
    **{f"service: {name}": queue(service=text) for name, text in SERVICES.items()},
    **{f"queue: {name}": queue(queue=text) for name, text in QUEUES.items()},
    **{f"staff: {name}": queue(staff=text) for name, text in STAFF.items()},
}
