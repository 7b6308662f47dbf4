"""What missing learners cost, all replications together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from simulator.analysis.jackknife import jackknife_interval
from simulator.analysis.measure import FEW
from simulator.analysis.tally import Tally, total
from simulator.experiment.performance import figure_with_interval
from simulator.experiment.result import ReplicationResult

FIGURES: Final = ("sensitivity", "specificity", "auc")
_Pair = tuple[Tally, Tally]  # of a replication: without the learners, and to compare with
_NONE: Final = Tally()


def outages(results: Sequence[ReplicationResult], confidence: float) -> dict[str, Any] | None:
    """Return plain data for summary.json; None where no learner was ever missing.

    `apart`: patients of the outage less all others, who came at other times. `paired`, of runs
    from a bank: the same patients, answered without those learners less answered by all.
    """
    kept = [result.loop["missing"] for result in results if result.loop["missing"]]
    masks = sorted({mask for run in kept for mask in run["by"] if mask})
    if not masks:
        return None
    reasons = [run["why_not"] for run in kept if "why_not" in run]
    return {
        "rest": _figures([_tally(run["by"], "") for run in kept], confidence),
        "rows": [_row(kept, mask, confidence) for mask in masks],
        "why_not_paired": reasons[0] if reasons else "",
    }


def _row(kept: Sequence[Mapping[str, Any]], mask: str, confidence: float) -> dict[str, Any]:
    here = [_tally(run["by"], mask) for run in kept]
    rest = [_tally(run["by"], "") for run in kept]
    row: dict[str, Any] = {"missing": mask.split("+"), **_figures(here, confidence)}
    row["apart"] = _differences(list(zip(here, rest, strict=True)), confidence)
    row["paired"] = None
    if all("full" in run or mask not in run["by"] for run in kept):
        full = [_tally(run.get("full", {}), mask) for run in kept]
        row["full"] = _figures(full, confidence)
        row["paired"] = _differences(list(zip(here, full, strict=True)), confidence)
    return row


def _tally(by: Mapping[str, Any], mask: str) -> Tally:
    return Tally.from_dict(by[mask]) if mask in by else _NONE


def _figures(tallies: Sequence[Tally], confidence: float) -> dict[str, Any]:
    whole = total(tallies)
    counts = {"patients": whole.n, "malignant": whole.malignant, "reason": _few(whole)}
    return counts | {name: figure_with_interval(tallies, name, confidence) for name in FIGURES}


def _few(whole: Tally) -> str:
    for n, who in ((whole.malignant, "malignant"), (whole.benign, "benign")):
        if n < FEW:
            return f"only {n} {who}; {FEW} are needed"
    return ""


def _differences(pairs: Sequence[_Pair], confidence: float) -> dict[str, Any]:
    return {name: asdict(jackknife_interval(pairs, _less(name), confidence)) for name in FIGURES}


def _less(name: str) -> Callable[[Sequence[_Pair]], float | None]:
    def of(some: Sequence[_Pair]) -> float | None:
        a = total(one for one, _ in some).figure(name)
        b = total(other for _, other in some).figure(name)
        return None if a is None or b is None else a - b

    return of
