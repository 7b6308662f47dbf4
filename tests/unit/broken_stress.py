"""Stress scenarios that are wrong in one way each: where the error must point, what it must say."""

from broken_scenarios import BASE, Broken

LOADED = (
    BASE.replace(
        "cases: {source: nominal, population: {prevalence: 0.1}, ai: {sensitivity: 0.9, "
        "specificity: 0.8}}",
        "cases: {source: synthetic}",
    )
    + "clock: real\n"
)
CONSTANT = "stress: {profile: {constant: {rate_per_s: 40, for: 1 min}}}\n"


def _stress(name: str, more: str, key: str, *words: str, structural: bool = False) -> Broken:
    """Add to a clinic with rendered lesions on the real clock."""
    return Broken(name, {}, key, words, whole=LOADED + more, structural=structural)


def _load(name: str, stress: str, key: str, *words: str, structural: bool = False) -> Broken:
    return _stress(name, f"stress: {stress}  # here\n", key, *words, structural=structural)


def _fault(name: str, fault: str, key: str, *words: str, structural: bool = False) -> Broken:
    more = f"{CONSTANT}faults:\n  - {{{fault}}}  # here\n"
    return _stress(name, more, key, *words, structural=structural)


PROFILES = [
    _load("no profile", "{workers: 2}", "stress.profile", "is required", structural=True),
    _load("profile of nothing", "{profile: {}}", "stress.profile", "exactly one of constant",
          "got none", structural=True),
    _load("two profiles", "{profile: {constant: {rate_per_s: 1, for: 1 s}, soak: {rate_per_s: 1, "
          "for: 1 s}}}", "stress.profile.soak", "constant and soak", structural=True),
    _load("misspelt profile", "{profile: {constnt: {rate_per_s: 1, for: 1 s}}}",
          "stress.profile.constnt", "did you mean 'constant'?", structural=True),
    _load("rate without a number", "{profile: {constant: {rate_per_s: fast, for: 1 s}}}",
          "stress.profile.constant.rate_per_s", "expected a number", "'fast'", structural=True),
    _load("rate of 0", "{profile: {constant: {rate_per_s: 0, for: 1 s}}}",
          "stress.profile.constant.rate_per_s", "more than 0", "got 0", structural=True),
    _load("load without a unit", "{profile: {constant: {rate_per_s: 1, for: 60}}}",
          "stress.profile.constant.for", "60 has no unit", structural=True),
    _load("load of a year", "{profile: {soak: {rate_per_s: 1, for: 365 d}}}",
          "stress.profile.soak.for", "at most 1 w", "365 d"),
    _load("load of no case", "{profile: {constant: {rate_per_s: 0.5, for: 1 s}}}",
          "stress.profile", "sends no case"),
    _load("spike that is none", "{profile: {spike: {base_per_s: 20, peak_per_s: 20, at: 1 s, "
          "last: 1 s, for: 9 s}}}", "stress.profile.spike.peak_per_s", "20 is not more"),
    _load("spike after the load", "{profile: {spike: {base_per_s: 20, peak_per_s: 90, at: 8 s, "
          "last: 1 s, for: 9 s}}}", "stress.profile.spike.for", "ends at 9 s"),
    _load("knee from above", "{profile: {knee: {from_per_s: 90, to_per_s: 20}}}",
          "stress.profile.knee.to_per_s", "20 is not more than from_per_s, 90"),
    _load("knee to the last case", "{profile: {knee: {from_per_s: 9, to_per_s: 20, precision: "
          "0.01 %}}}", "stress.profile.knee.precision", "from 0.5 % to 50 %"),
    _load("knee without faults of its time", "{profile: {knee: {from_per_s: 9, to_per_s: 20}}}\n"
          "faults: [{at: 1 s, kill: worker}]", "faults.0.kill", "no fault has its time"),
    _load("warm-up of the whole load", "{warmup: 1 min, profile: {constant: {rate_per_s: 1, "
          "for: 1 min}}}", "stress.warmup", "1 min is not shorter than the load, 1 min"),
    _load("warm-up of a whole step", "{warmup: 20 s, profile: {knee: {from_per_s: 1, to_per_s: 9}}"
          "}", "stress.warmup", "20 s is not shorter than a step, 20 s"),
    _load("objective of nothing", "{profile: {knee: {from_per_s: 1, to_per_s: 9}}, objective: {}}",
          "stress.objective", "limits nothing"),
    _load("objective of a misspelt share", "{profile: {knee: {from_per_s: 1, to_per_s: 9}}, "
          "objective: {p999x: 1 s}}", "stress.objective.p999x", "did you mean 'p999'?",
          structural=True),
    _load("shedding that never begins", "{profile: {constant: {rate_per_s: 1, for: 9 s}}, "
          "shed: {keep: 50 %}}", "stress.shed.above", "is required", structural=True),
    _load("no worker", "{profile: {constant: {rate_per_s: 1, for: 9 s}}, workers: 0}",
          "stress.workers", "at least 1", structural=True),
]  # fmt: skip

AROUND = [
    Broken("load on a virtual clock", {"cases:": "cases: {source: synthetic}"}, "stress",
           ("give clock: real",), CONSTANT.replace("\n", "  # here\n")),
    Broken("load of nominal cases", {"cases:": "cases: {source: nominal}  # here"},
           "cases.source", ("no image to send",), "clock: real\n" + CONSTANT),
    Broken("load of a bank", {"cases:": "cases: {source: synthetic, bank: 100}  # here"},
           "cases.bank", ("scored before the run",), "clock: real\n" + CONSTANT),
    _stress("classes by a log", CONSTANT + "classes:\n  - {id: a, arrivals: {replay: {times: "
            "[0]}}}  # here\n", "classes.a.arrivals", "give the class a share"),
    _stress("steady state of a clinic", "steady_state: [verdicts.lost == 0]  # here\n",
            "steady_state", "give stress, too"),
    _stress("gate of a clinic under load", CONSTANT + "gates: [wait.read.p95 < 3 h]  # here\n",
            "gates.0", "no patients who wait", "gates: []"),
    _stress("gate of a load in a clinic", "gates: [latency.p99_ms < 2000]  # here\n",
            "gates.0", "measured under load alone", "dermtwin stress"),
    _stress("misspelt gate under load", CONSTANT + "gates: [latency.p98_ms < 2000]  # here\n",
            "gates.0", "no metric 'latency.p98_ms'", "did you mean 'latency.p9"),
    _stress("gate with a unit under load", CONSTANT + "gates: [latency.p99_ms < 2 s]  # here\n",
            "gates.0", "'2 s' is no plain number"),
    _stress("gate on a knee without one", CONSTANT + "gates: [knee.rate_per_s > 9]  # here\n",
            "gates.0", "the profile is constant"),
    _stress("recovery from nothing", CONSTANT + "gates: [recovery_s.max < 9]  # here\n",
            "gates.0", "nothing is done to the twin"),
    _stress("steady state of the end", CONSTANT + "steady_state: [mirror.equal == 1]  # here\n",
            "steady_state.0", "only when the run is over"),
    _stress("epochs after the load", CONSTANT + "drift: {every: 1 h}  # here\n",
            "drift.every", "1 h is longer than the load, 1 min"),
]  # fmt: skip

FAULTS = [
    Broken("kill in a virtual run", {"cases:": "cases: {source: synthetic}"}, "faults.0.kill",
           ("a virtual run has no processes", "component"),
           "faults: [{at: 1 d, kill: worker}]  # here\n"),
    _stress("kill without a load", "faults: [{at: 1 d, kill: worker}]  # here\n", "faults.0.kill",
            "give stress, too"),
    _fault("fault of nothing", "at: 1 s", "faults.0", "give one of component, kill",
           structural=True),
    _fault("two faults in one", "at: 1 s, kill: worker, flush: redis", "faults.0.flush",
           "kill, flush", structural=True),
    _fault("misspelt action", "at: 1 s, for: 1 s, freze: mirror", "faults.0.freze",
           "did you mean 'freeze'?", structural=True),
    _fault("misspelt target", "at: 1 s, kill: wroker", "faults.0.kill",
           "kill has no target 'wroker', did you mean 'worker'?", structural=True),
    _fault("target of another action", "at: 1 s, restart: mirror", "faults.0.restart",
           "'mirror'", "known: kafka, redis", structural=True),
    _fault("explainer", "at: 1 s, kill: explainer", "faults.0.kill", "'explainer'",
           structural=True),
    _fault("worker that is no number", "at: 1 s, kill: worker-0", "faults.0.kill", "'worker-0'",
           structural=True),
    _fault("second of one worker", "at: 1 s, kill: worker-2", "faults.0.kill",
           "there is one worker"),
    _fault("restacker without a stack", "at: 1 s, kill: restacker", "faults.0.kill",
           "give restack or drift"),
    _fault("freeze without an end", "at: 1 s, freeze: mirror", "faults.0.for",
           "is required with freeze"),
    _fault("outage without an end", "at: 1 s, component: knn", "faults.0.for",
           "is required with component"),
    _fault("kill that lasts", "at: 1 s, for: 5 s, kill: mirror", "faults.0.for",
           "has no meaning with kill"),
    _fault("slow by nobody knows", "at: 1 s, for: 5 s, slow: knn", "faults.0.by",
           "is required with slow"),
    _fault("slow by less", "at: 1 s, for: 5 s, slow: knn, by: -5 ms", "faults.0.by",
           "more than 0", "-5 ms"),
    _fault("skew by nothing", "at: 1 s, for: 5 s, skew: mirror, by: 0 s", "faults.0.by",
           "the clock would be right"),
    _fault("messages without a number", "at: 1 s, send: corrupt", "faults.0.count", "how many"),
    _fault("no message", "at: 1 s, send: corrupt, count: 0", "faults.0.count", "at least 1",
           structural=True),
    _fault("fault after the load", "at: 1 min, kill: worker", "faults.0.at",
           "the load ends at 1 min"),
    _fault("outage after the load", "at: 2 min, for: 1 s, component: knn", "faults.0.at",
           "after the end of the load, 1 min"),
    _stress("frozen twice at once", CONSTANT + "faults:\n  - {at: 1 s, for: 9 s, freeze: mirror}\n"
            "  - {at: 5 s, for: 1 s, freeze: mirror}  # here\n", "faults.1.at",
            "freeze mirror goes on already, until 10 s"),
]  # fmt: skip

BROKEN_STRESS = [*PROFILES, *AROUND, *FAULTS]
