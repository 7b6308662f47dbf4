"""Labels, all replications together: what they say beside the truth, and which were kept apart."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from simulator.analysis.intervals import Interval
from simulator.analysis.jackknife import jackknife_interval
from simulator.analysis.label_sums import SUMS, Sums
from simulator.experiment.performance import bounded
from simulator.experiment.result import ReplicationResult

# Figure -> part and whole, by their places in the sums.
_RATIOS: Final = {
    "prevalence": ("malignant", "all"),
    "sensitivity": ("hits", "malignant"),
    "specificity": ("passes", "benign"),
}
READINGS: Final = ("unweighted", "weighted", "true_weighted")


def label_bias(results: Sequence[ReplicationResult], confidence: float) -> dict[str, Any] | None:
    """Return plain data for summary.json; None where no labels come back.

    Each reading of the labels has its value, its interval, and its difference from the truth about
    all patients, with an interval over replications in which both vary together.
    """
    kept = [result.loop["labels"] for result in results if "labels" in result.loop]
    if len(kept) < len(results) or not kept:
        return None
    apart: Counter[str] = Counter()
    for one in kept:
        apart.update(one["apart"])
    ways = sorted({way for one in kept for way in one["ways"]})
    return {
        "received": sum(one["received"] for one in kept),
        "apart": dict(apart.most_common()),
        "patients": round(sum(one["truth"][0] for one in kept)),
        "labelled": round(sum(one["unweighted"][0] for one in kept)),
        "until_min": min(one["until_min"] for one in kept),
        "ripe": all(one["ripe"] for one in kept),
        "figures": {name: _figure(kept, name, confidence) for name in _RATIOS},
        "ways": {way: _way(kept, way, confidence) for way in ways},
    }


def _figure(kept: Sequence[Any], name: str, confidence: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: bounded(jackknife_interval(kept, _ratio(key, name), confidence))
        for key in ("truth", *READINGS)
    }
    for key in READINGS:
        off = jackknife_interval(kept, _less(key, "truth", name), confidence)
        found[f"{key}.off"] = {"mean": off.mean, "low": off.low, "high": off.high}
        found[f"{key}.off"]["biased"] = _leaves_out_0(off)
    return found


def _leaves_out_0(interval: Interval) -> bool | None:
    if interval.low is None or interval.high is None:
        return None
    return interval.low > 0 or interval.high < 0


def _way(kept: Sequence[Any], way: str, confidence: float) -> dict[str, Any]:
    having = [one["ways"][way] for one in kept if way in one["ways"]]
    figures = {
        name: bounded(jackknife_interval(having, _ratio("sums", name), confidence))
        for name in _RATIOS
    }
    labels = round(sum(one["sums"][0] for one in having))
    malignant = round(sum(one["sums"][1] for one in having))
    wrong = sum(one["wrong"] for one in having)
    return {"labels": labels, "malignant": malignant, "wrong": wrong, **figures}


def _ratio(key: str, name: str) -> Callable[[Sequence[Any]], float | None]:
    part, whole = (SUMS.index(one) for one in _RATIOS[name])

    def of(some: Sequence[Any]) -> float | None:
        sums: Sequence[Sums] = [one[key] for one in some]
        below = sum(one[whole] for one in sums)
        return sum(one[part] for one in sums) / below if below else None

    return of


def _less(a: str, b: str, name: str) -> Callable[[Sequence[Any]], float | None]:
    def of(some: Sequence[Any]) -> float | None:
        x, y = _ratio(a, name)(some), _ratio(b, name)(some)
        return None if x is None or y is None else x - y

    return of
