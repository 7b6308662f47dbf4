"""Small summaries for tests of the reports: what services/experiments/summary.py builds."""

from collections.abc import Mapping
from typing import Any

from simulator.experiment.result import Curves

SCENARIO = """
name: small
about: A clinic & its <nurses>.
question: How long do patients wait?
seed: 7
start: Mon 06:00
horizon: 1 d
ending: empty
replications: {min: 4, max: 4, of: [], confidence: 0.95}
cases: {source: nominal, population: {prevalence: 0.08}, ai: {sensitivity: 0.9, specificity: 0.9}}
model: {learn_from: synthetic, cases: 600, seed: 7}
arrivals: {rate_per_d: 60.0, no_show: 0.0}
classes: []
pathway:
- {id: ai, twin: score, then: {read: otherwise}}
- id: read
  staff: [reader]
  service: {exponential: {mean: 9 min}}
  queue: {order: ai, preempt: resume, full: end, left: end, overdue_after: 3 h}
  then: {end: otherwise}
staff: {reader: {count: 2, roster: [{during: Mon-Fri 08:00-18:00}], absent: []}}
decision: {threshold: model, reader: {sensitivity: 0.9}, missed_delay: 180 d}
gates: [wait.read.mean < 10 min]
allow_unstable: false
"""


def metric(
    name: str, value: float | None, half: float | None = None, **more: Any
) -> dict[str, Any]:
    """Return one metric; without a half width it has no interval."""
    low = None if value is None or half is None else value - half
    high = None if value is None or half is None else value + half
    answer = {"value": value, "low": low, "high": high, "n": 4, "cases": 240}
    answer |= {"method": "replications", "valid": half is not None, "reason": ""}
    return {"name": name, **answer, **more}


def gate(**more: Any) -> dict[str, Any]:
    """Return a gate that passes."""
    asked = {"text": "wait.read.mean < 10 min", "metric": "wait.read.mean", "bound": 10.0}
    found = {"verdict": "pass", "value": 6.9, "low": 6.0, "high": 7.8}
    words = {"words": "the whole interval satisfies it", "more_replications": None}
    return {**asked, **found, **words, **more}


def metrics(wait: float = 6.9) -> dict[str, Any]:
    """Return metrics of each family, some without figures."""
    found = [
        metric("wait.read.mean", wait, 0.9),
        metric("wait.read.p95", 32.0, 5.0),
        metric("reneged.read.share", 0.0, reason="all 4 values agree: no spread was seen"),
        metric("utilisation.reader", 0.62, 0.01, method="ratio"),
        metric("sensitivity", 0.892, 0.02, method="ratio"),
        metric("missed_malignant.share", 0.108, 0.02, method="ratio"),
        metric("biopsies.per_malignant", 3.29, 0.1, method="ratio"),
        metric("auc", None, reason="only one class"),
        metric("wait.read.mean{skin_tone=I-II}", 6.8, 0.9),
        metric("wait.read.mean{skin_tone=V-VI}", 7.0, 0.9),
        metric("missed_malignant.share{skin_tone=I-II}", 0.11, 0.02),
        metric(
            "missed_malignant.share{skin_tone=V-VI}",
            None,
            reason="only 3 malignant cases; 10 are needed",
        ),
    ]
    return {one["name"]: one for one in found}


def point(
    label: Mapping[str, object] | None = None, wait: float = 6.9, **more: Any
) -> dict[str, Any]:
    """Return one point."""
    warm = {"warmup_min": 0.0, "how": "given", "valid": True, "reason": "", "pilots": 0}
    warm |= {"spell_min": 0.0, "average": [], "statistic": [], "statistic_step_min": 0.0}
    check = {"name": "conservation of patients", "holds": True, "words": "all who came left"}
    check |= {"expected": 240.0, "found": 240.0, "tolerance": 0.0}
    return {
        "label": dict(label or {}),
        "replications": 4,
        "confidence": 0.95,
        "digest": "d" * 64,
        "digests": ["a" * 64, "b" * 64, "c" * 64, "d" * 64],
        "cases": 240,
        "verdicts": 240,
        "rejected": 0,
        "window_min": [0.0, 1440.0],
        "warmup": warm,
        "metrics": metrics(wait),
        "gates": [gate()],
        "gate": "pass",
        "precision": None,
        "checks": [check],
        "exact": {"model": None, "why_not": "the AI orders the queue", "rows": []},
        **more,
    }


def summary(*points: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the summary of some points; of one without a label unless told otherwise."""
    told = list(points) or [point()]
    return {
        "scenario": "small",
        "about": "A clinic & its <nurses>.",
        "question": "How long do patients wait?",
        "seed": 7,
        "cases": 240 * len(told),
        "verdicts": 240,
        "rejected": 0,
        "digest": "d" * 64,
        "gates": "pass",
        "checks_hold": True,
        "points": told,
        "differences": [difference() for _ in told[1:]],
        "versions": {"dermtwin": "0.1.0", "python": "3.11.7"},
        "kind": "run",
        "route": None,
        "batch": None,
        "run_dir": "/tmp/run",  # noqa: S108  a name only
        "model_id": None,
        "cases_per_s": 1000.0,
        "first_verdict_s": None,
        "latency_ms": None,
        "mirror": None,
        "restarts": {},
        "degraded": [],
        "wall_s": 1.0,
        **more,
    }


def difference(mean: float = -2.0, half: float = 0.5) -> dict[str, Any]:
    """Return paired differences: of the wait one beyond chance, of the sensitivity none."""
    rest = {"n": 4, "valid": True, "reason": "", "correlation": 0.9, "variance_ratio": 0.1}

    def of(mean: float, half: float) -> dict[str, Any]:
        return {"mean": mean, "low": mean - half, "high": mean + half, "half_width": half, **rest}

    return {"wait.read.mean": of(mean, half), "sensitivity": of(0.001, 0.02)}


def curves(spells: int = 24, end_min: float = 1440.0) -> Curves:
    """Return the curves of a replication."""
    step = end_min / spells
    levels = [float(at % 5) for at in range(spells)]
    return Curves(
        at_min=[(at + 0.5) * step for at in range(spells)],
        in_system=levels,
        queue={"read": levels},
        busy={"reader": levels},
        duty={"reader": [2.0] * spells},
        quantiles={
            "wait.read": {"all": [float(at) for at in range(101)]},
            "time_to_diagnosis": {"all": [float(at * 3) for at in range(101)]},
        },
    )
