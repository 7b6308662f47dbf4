"""The summary of an experiment: plain data that commands print and reports show."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from services.experiments.plan import Point
from services.experiments.theory import beside_theory
from services.experiments.warmup import Warm
from simulator.analysis.intervals import PairedInterval, paired_interval
from simulator.analysis.verification import check_loads
from simulator.experiment.aggregate import Answer, aggregate, wanted_replications
from simulator.experiment.digests import digest_of_all
from simulator.experiment.gates import GateResult, Verdict, judge, overall
from simulator.experiment.looped import looped
from simulator.experiment.recovery import recovery
from simulator.experiment.result import ReplicationResult
from simulator.experiment.shifted import shifted
from simulator.language.metrics import parse_metric
from simulator.language.schema import Scenario

_DECIMALS = 9  # of a value in a difference: below, sums in another order differ
_VERSIONS = ("numpy", "scipy", "simpy", "ray", "pydantic")


def summarise(
    points: Sequence[Point],
    results: Sequence[Sequence[ReplicationResult]],
    warm: Sequence[Warm],
) -> dict[str, Any]:
    """Return everything that is the same however and wherever the experiment was run."""
    told = [
        point_summary(point, done, warmed)
        for point, done, warmed in zip(points, results, warm, strict=True)
    ]
    gates = [Verdict(gate["verdict"]) for one in told for gate in one["gates"]]
    first = points[0].scenario
    confidence = first.replications.confidence
    told_more: dict[str, Any] = {}
    if any(point.scenario.is_looped for point in points):
        told_more["recovery"] = recovery([one.scenario for one in points], results, confidence)
    return {
        "scenario": first.name,
        "about": first.about,
        "question": first.question,
        "seed": first.seed,
        "cases": sum(one["cases"] for one in told),
        "verdicts": sum(one["verdicts"] for one in told),
        "rejected": sum(one["rejected"] for one in told),
        "digest": digest_of_all([one["digest"] for one in told]),
        "gates": worst(gates).value if gates else None,
        "checks_hold": all(check["holds"] for one in told for check in one["checks"]),
        "points": told,
        "differences": [differences(results[0], other, confidence) for other in results[1:]],
        **told_more,
        "versions": {
            "dermtwin": version("dermtwin"),
            "python": platform.python_version(),
            **{name: version(name) for name in _VERSIONS},
        },
    }


def point_summary(point: Point, results: Sequence[ReplicationResult], warm: Warm) -> dict[str, Any]:
    """Return what one point says."""
    scenario = point.scenario
    confidence = scenario.replications.confidence
    answers = aggregate(results, confidence)
    gates = [_judged(gate, answers, results) for gate in scenario.gates]
    checks = [asdict(check) for result in results for check in result.checks if not check.holds]
    if not checks:
        checks = [asdict(check) for check in results[0].checks]
    checks += [asdict(check) for check in _loads(scenario, results)]
    return {
        "label": dict(point.label),
        "replications": len(results),
        "confidence": confidence,
        "digest": digest_of_all([result.digest for result in results]),
        "digests": [result.digest for result in results],
        "cases": round(sum(result.values["patients.arrived"] for result in results)),
        "verdicts": round(sum(result.values.get("verdicts.count", 0) for result in results)),
        "rejected": round(sum(result.values.get("verdicts.rejected", 0) for result in results)),
        "window_min": [results[0].from_min, results[0].to_min],
        "warmup": warm.as_dict(),
        "metrics": {name: asdict(answer) for name, answer in answers.items()},
        "gates": [asdict(gate) for gate in gates],
        "gate": overall(gates).value if gates else None,
        "precision": _precision(scenario, results),
        "checks": checks,
        "exact": beside_theory(scenario, answers, results),
        "shifts": shifted(scenario, results, confidence),
        **({"loop": looped(scenario, results, confidence)} if scenario.is_looped else {}),
    }


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of several points: a failure counts most, then doubt."""
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    return next(verdict for verdict in order if verdict in verdicts)


def differences(
    base: Sequence[ReplicationResult], other: Sequence[ReplicationResult], confidence: float
) -> dict[str, Any]:
    """Return paired differences, other less base, of every metric that both measure.

    Replications with the same number share their random numbers, so each pair differs only in
    what the scenarios differ in.
    """
    pairs = list(zip(base, other, strict=False))

    def of(result: ReplicationResult, name: str) -> float:
        return round(result.values[name], _DECIMALS)

    found = {}
    for name in base[0].values:
        both = [
            (of(a, name), of(b, name)) for a, b in pairs if name in a.values and name in b.values
        ]
        if len(both) > 1:
            paired = paired_interval([a for a, _ in both], [b for _, b in both], confidence)
            found[name] = _difference(paired)
    return found


def _difference(paired: PairedInterval) -> dict[str, Any]:
    return {
        **asdict(paired.difference),
        "correlation": paired.correlation,
        "variance_ratio": paired.variance_ratio,
    }


def _judged(
    gate: Any,  # noqa: ANN401  a Gate
    answers: Mapping[str, Answer],
    results: Sequence[ReplicationResult],
) -> GateResult:
    name = str(parse_metric(gate.metric) or gate.metric)
    answer = answers.get(name) or Answer(name=name, value=None, reason="never measured")
    return judge(gate, answer, results)


def _precision(scenario: Scenario, results: Sequence[ReplicationResult]) -> dict[str, Any] | None:
    asked = scenario.replications.precision
    if asked is None:
        return None
    _, reached = wanted_replications(scenario, results)
    met = all(share is not None and share <= asked for share in reached.values())
    return {"asked": asked, "reached": dict(reached), "met": met}


def _loads(scenario: Scenario, results: Sequence[ReplicationResult]) -> list[Any]:
    names = [f"utilisation.{name}" for name in scenario.staff]
    values = {
        name: [result.values[name] for result in results if name in result.values] for name in names
    }
    return list(check_loads(scenario, values))
