"""Replications into answers: each metric with an interval that is valid under autocorrelation.

Waits within a run are correlated, so no interval treats them as independent: intervals come from
replication means, for shares from parts and wholes clustered by replication. Where there is one
replication, mean waits have batch means, and shares of patients, who are drawn independently of
each other, a score interval; everything else has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simulator.analysis.intervals import (
    Interval,
    cluster_ratio_interval,
    replication_interval,
)
from simulator.analysis.measure import FEW
from simulator.analysis.precision import replications_for_precision
from simulator.analysis.wilson import wilson_interval
from simulator.experiment.result import ReplicationResult
from simulator.language.form import ScenarioForm

_ONE: Final = "one replication: no interval"
# Shares of independent patients; the name up to a group in braces.
_INDEPENDENT: Final = frozenset(
    {"prevalence", "sensitivity", "specificity", "ppv", "npv", "missed_malignant.share"}
    | {"ai.sensitivity", "ai.specificity", "ai.ppv", "ai.npv", "upstream.referred.share"}
)
_OTHER_SHARES: Final = frozenset({"auc", "calibration_error", "ai.balanced_accuracy", "brier"})
_TIMES: Final = ("wait.", "time_in_system.", "time_to_diagnosis.")
# What the cases are that a group's figure rests on.
_CASES: Final = {
    **dict.fromkeys(("sensitivity", "ai.sensitivity", "missed_malignant.share"), "malignant"),
    **dict.fromkeys(("specificity", "ai.specificity"), "benign"),
    **{"ppv": "referred", "npv": "not referred", "ai.ppv": "flagged", "ai.npv": "not flagged"},
    "biopsies.per_malignant": "malignant and referred",
    "prevalence": "patients",
    "labels.wrong.share": "labels",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One metric over all replications."""

    name: str
    value: float | None  # None where no replication has one
    low: float | None = None  # of the interval; None where there is none
    high: float | None = None
    n: int = 0  # replications with a value
    cases: int = 0  # cases over all replications
    method: str = "replications"  # replications, ratio, batch means, score, or none
    valid: bool = False  # whether the interval has its stated coverage
    reason: str = ""  # why not, or why there is no value


def aggregate(results: Sequence[ReplicationResult], confidence: float = 0.95) -> dict[str, Answer]:
    """Return the answer to every metric, in the order in which runs measure them."""
    names = dict.fromkeys(name for result in results for name in (*result.values, *result.missing))
    return {name: answer_of(name, results, confidence) for name in names}


def answer_of(name: str, results: Sequence[ReplicationResult], confidence: float = 0.95) -> Answer:
    """Return the answer to one metric."""
    having = [result for result in results if name in result.values]
    if not having:
        reasons = [result.missing[name] for result in results if name in result.missing]
        return Answer(name=name, value=None, reason=reasons[0] if reasons else "never measured")
    cases = sum(result.counts.get(name, 0) for result in having)
    if reason := _too_few(name, results, cases):
        return Answer(name=name, value=None, n=len(having), cases=cases, reason=reason)
    if len(results) == 1:
        return _of_one(name, results[0], cases, confidence)
    if _pooled(name, results, having):
        return _of_shares(name, results, cases, confidence)
    values = [result.values[name] for result in having]
    interval = replication_interval(values, confidence)
    lacking = len(results) - len(having)
    reason = interval.reason
    if lacking:
        reason = f"{lacking} of {len(results)} replications have no value; {reason}".rstrip("; ")
    return _answer(name, interval, len(having), cases, "replications", reason, valid=interval.valid)


def _too_few(name: str, results: Sequence[ReplicationResult], cases: int) -> str:
    """Return why a group is too small for a figure, all replications taken together; or nothing."""
    head, _, group = name.partition("{")
    if not group:
        return ""
    of = {_CASES.get(head, "cases"): cases}
    if head in {"auc", "ai.balanced_accuracy"}:
        both = (("malignant", "ai.sensitivity"), ("benign", "ai.specificity"))
        of = {
            who: sum(result.counts.get(f"{share}{{{group}", 0) for result in results)
            for who, share in both
        }
    who, n = min(of.items(), key=lambda item: item[1])
    return "" if n >= FEW else f"only {n} {who}; {FEW} are needed"


def _pooled(
    name: str, results: Sequence[ReplicationResult], having: Sequence[ReplicationResult]
) -> bool:
    """Return whether parts and wholes of all replications are pooled.

    Shares are. A group's mean time is where it has few cases in some replication: the mean of
    replication means would give those the weight of the others.
    """
    if not all(name in result.ratios for result in having):
        return False
    if not name.startswith(_TIMES):
        return True
    return len(having) < len(results) or any(result.counts[name] < FEW for result in having)


def _of_shares(
    name: str, results: Sequence[ReplicationResult], cases: int, confidence: float
) -> Answer:
    # A replication without cases of a group is part of the sample: it adds nothing to both sums.
    parts, wholes = zip(*(result.ratios.get(name, (0.0, 0.0)) for result in results), strict=True)
    interval, method = cluster_ratio_interval(parts, wholes, confidence), "ratio"
    head = name.partition("{")[0]
    # Who is malignant is drawn for each patient alone, whatever happens in the clinic. And where a
    # share is the same everywhere, such as all of few, no spread was seen.
    if head == "prevalence" or (not interval.valid and head in _INDEPENDENT):
        interval, method = wilson_interval(sum(parts), sum(wholes), confidence), "score"
    return _answer(
        name, interval, len(results), cases, method, interval.reason, valid=interval.valid
    )


def _of_one(name: str, result: ReplicationResult, cases: int, confidence: float) -> Answer:
    value = result.values[name]
    if name.split("{", maxsplit=1)[0] in _INDEPENDENT and name in result.ratios:
        share = wilson_interval(*result.ratios[name], confidence)
        return _answer(name, share, 1, cases, "score", "", valid=True)
    interval = result.alone.get(name)
    if interval is None:
        return Answer(name=name, value=value, n=1, cases=cases, method="none", reason=_ONE)
    return _answer(
        name,
        interval,
        1,
        cases,
        "batch means",
        interval.reason,
        valid=interval.valid,
        value=value,
    )


def _answer(
    name: str,
    interval: Interval,
    n: int,
    cases: int,
    method: str,
    reason: str,
    *,
    valid: bool,
    value: float | None = None,
) -> Answer:
    low, high = interval.low, interval.high
    if low is not None and high is not None:
        # No metric is negative and no share exceeds one; where an interval reaches beyond, that
        # part of it holds nothing.
        low, high = max(low, 0.0), min(high, 1.0) if _is_share(name) else high
    return Answer(
        name=name,
        value=interval.mean if value is None else value,
        low=low,
        high=high,
        n=n,
        cases=cases,
        method=method,
        valid=valid,
        reason=reason,
    )


def _is_share(name: str) -> bool:
    head = name.split("{", maxsplit=1)[0]
    return head in _INDEPENDENT or head.endswith(".share") or head in _OTHER_SHARES


def wanted_replications(
    scenario: ScenarioForm, results: Sequence[ReplicationResult]
) -> tuple[int, Mapping[str, float | None]]:
    """Return how many replications in all are needed, and the relative half width of each metric.

    A number that was asked for is that number. With a precision it grows in steps: what the spread
    seen so far asks for, at most twice what there is, within the scenario's bounds.
    """
    spec = scenario.replications
    if spec.precision is None:
        return spec.min, {}
    if len(results) < spec.min:
        return spec.min, {}
    reached: dict[str, float | None] = {}
    needed = spec.min
    for name in spec.of:
        answer = answer_of(name, results, spec.confidence)
        reached[name] = _relative(answer)
        if (share := reached[name]) is not None and share <= spec.precision:
            needed = max(needed, len(results))
            continue
        values = [result.values[name] for result in results if name in result.values]
        asked = None
        if len(values) > 1:
            asked = replications_for_precision(values, spec.precision, spec.confidence)
        enough = spec.max if asked is None else max(asked, len(results) + 1)
        needed = max(needed, min(enough, 2 * len(results)))
    return min(needed, spec.max), reached


def _relative(answer: Answer) -> float | None:
    if answer.value is None or answer.low is None or answer.high is None:
        return None
    half = (answer.high - answer.low) / 2
    return half / abs(answer.value) if answer.value else (0.0 if half == 0 else None)
