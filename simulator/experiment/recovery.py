"""What a shift cost, and how much of it re-stacking brought back, on the same patients.

Points of one experiment share their random numbers, so patient by patient only the stack differs.
The loss is what the point without re-stacking has less than before the first shift, over the
patients who come later than a stated time after the onset; what is brought back is what the point
with re-stacking has more than the one without on these very patients.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from simulator.analysis.intervals import Interval
from simulator.analysis.jackknife import fieller_interval, jackknife_interval
from simulator.analysis.measure import FEW
from simulator.analysis.tally import Tally, total
from simulator.experiment.performance import figure_with_interval
from simulator.experiment.result import ReplicationResult
from simulator.language.form import ScenarioForm

FIGURES: Final = ("balanced_accuracy", "sensitivity", "specificity", "auc", "calibration_error")
_Pair = Mapping[str, Tally]  # of a replication: "before", "after", "late", and "with"
_Figure = Callable[[Sequence[_Pair]], float | None]


def recovery(
    scenarios: Sequence[ScenarioForm],
    results: Sequence[Sequence[ReplicationResult]],
    confidence: float,
) -> dict[str, Any] | None:
    """Return plain data for summary.json; None unless points with and without re-stacking shift.

    Parameters:
        scenarios: of the points, in order.
        results: of each point, in order of replication.
    """
    base = next((place for place, one in enumerate(scenarios) if one.restack is None), None)
    if base is None or not scenarios[base].shifts or not all(r.loop for r in results[base]):
        return None
    others = [
        place
        for place, one in enumerate(scenarios)
        if one.restack is not None
        and one.shifts == scenarios[base].shifts
        and all(result.loop for result in results[place])
    ]
    if not others:
        return None
    return {
        "settled_min": results[base][0].loop["settled_min"],
        "without": base,
        "confidence": confidence,
        "points": [
            {"point": place, "periods": _periods(results[base], results[place], confidence)}
            for place in others
        ],
    }


def _periods(
    without: Sequence[ReplicationResult], with_: Sequence[ReplicationResult], confidence: float
) -> list[dict[str, Any]]:
    count = len(without[0].loop["windows"])
    found = []
    for place in range(count):
        pairs = [
            _pair(a.loop["windows"][place], b.loop["windows"][place])
            for a, b in zip(without, with_, strict=False)
        ]
        first = without[0].loop["windows"][place]
        row = {name: first[name] for name in ("period", "onset_min", "from_min", "late_min")}
        row |= {"to_min": first["to_min"], "reason": _why_not(pairs, first)}
        row["patients"] = {key: total(one[key] for one in pairs).n for key in pairs[0]}
        row["malignant"] = {key: total(one[key] for one in pairs).malignant for key in pairs[0]}
        if not row["reason"]:
            row["figures"] = {name: _figure(pairs, name, confidence) for name in FIGURES}
        found.append(row)
    return found


def _pair(without: Mapping[str, Any], with_: Mapping[str, Any]) -> _Pair:
    found = {key: Tally.from_dict(without[key]) for key in ("before", "after", "late")}
    return {**found, "with": Tally.from_dict(with_["late"])}


def _why_not(pairs: Sequence[_Pair], window: Mapping[str, Any]) -> str:
    if window["late_min"] >= window["to_min"]:
        return "the period ends before that time after its onset"
    for key, when in (("before", "before the first shift"), ("late", "then")):
        whole = total(one[key] for one in pairs)
        for n, who in ((whole.malignant, "malignant"), (whole.benign, "benign")):
            if n < FEW:
                return f"only {n} {who} {when}; {FEW} are needed"
    return ""


def _figure(pairs: Sequence[_Pair], name: str, confidence: float) -> dict[str, Any]:
    def of(key: str) -> _Figure:
        return lambda some: total(one[key] for one in some).figure(name)

    def less(a: str, b: str) -> _Figure:
        def difference(some: Sequence[_Pair]) -> float | None:
            x, y = of(a)(some), of(b)(some)
            return None if x is None or y is None else x - y

        return difference

    shown = {
        key: figure_with_interval([one[key] for one in pairs], name, confidence)
        for key in ("before", "after", "late", "with")
    }
    lost, back = less("before", "late"), less("with", "late")
    return {
        **shown,
        # Of a calibration error, of which less is better, both are negative; their ratio is not.
        "loss": _plain(jackknife_interval(pairs, lost, confidence)),
        "back": _plain(jackknife_interval(pairs, back, confidence)),
        "share": _plain(fieller_interval(pairs, back, lost, confidence)),
    }


def _plain(interval: Interval) -> dict[str, Any]:
    return asdict(interval)
