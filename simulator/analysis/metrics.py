"""What a run says in numbers. A value without ground is None with a reason, never a number."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from simulator.clinic.journal import CaseRecord
from simulator.language.schema import Scenario, StaffedNode
from twin import evaluate

Z_95: Final = 1.959963984540054  # 0.975 quantile of the standard normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its ground. Without one, `value` is None and `reason` says why."""

    value: float | None = None
    low: float | None = None  # 95 % interval; None where none is computed
    high: float | None = None
    n: int = 0  # cases that it rests on
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Waiting times at one node, in minutes. Without cases all are None."""

    n: int
    mean_min: float | None = None
    p50_min: float | None = None
    p95_min: float | None = None
    max_min: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One run in numbers."""

    cases: int  # closed
    verdicts: int
    rejected: int
    ai_sensitivity: Estimate  # of the twin at its threshold, over cases with a verdict
    ai_specificity: Estimate
    auc: Estimate  # of the twin's probability
    sensitivity: Estimate  # of the decision to refer, over all cases
    specificity: Estimate
    waits: Mapping[str, Waits]  # by staffed node
    utilisation: Mapping[str, Estimate]  # by staff group: share of its time spent in service

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON wants it."""
        return asdict(self)


def summarise(records: Sequence[CaseRecord], scenario: Scenario) -> Summary:
    """Return the numbers of one run.

    Utilisation counts from time 0 to the last patient's leaving, so the filling and the emptying
    of the clinic are in it. Waits within a run are correlated: they come without an interval.
    """
    answered = [r for r in records if r.ai_malignant is not None]
    nodes = [node for node in scenario.pathway if isinstance(node, StaffedNode)]
    busy_min = dict.fromkeys(scenario.staff, 0.0)
    for record in records:
        for node in nodes:
            visit = record.visits[node.id]
            busy_min[node.staff] += visit.end_min - visit.start_min
    span_min = max((record.closed_min for record in records), default=0.0)
    return Summary(
        cases=len(records),
        verdicts=len(answered),
        rejected=sum(record.rejected is not None for record in records),
        ai_sensitivity=_share(
            (r.ai_malignant is True for r in answered if r.malignant), _NO_MALIGNANT
        ),
        ai_specificity=_share(
            (r.ai_malignant is False for r in answered if not r.malignant), _NO_BENIGN
        ),
        auc=auc(
            [r.p_malignant for r in answered if r.malignant and r.p_malignant is not None],
            [r.p_malignant for r in answered if not r.malignant and r.p_malignant is not None],
        ),
        sensitivity=_share((r.referred for r in records if r.malignant), _NO_MALIGNANT),
        specificity=_share((not r.referred for r in records if not r.malignant), _NO_BENIGN),
        waits={node.id: waits([r.visits[node.id].wait_min for r in records]) for node in nodes},
        utilisation={
            name: _utilisation(busy_min[name], scenario.staff[name].count, span_min, len(records))
            for name in scenario.staff
        },
    )


_NO_MALIGNANT: Final = "no malignant case"
_NO_BENIGN: Final = "no benign case"


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share; n is at least 1.

    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22(158), 209-212.

    >>> low, high = wilson(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    share, z2 = successes / n, Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # Exact arithmetic gives 0 and 1 at the ends; floating point misses them by a bit.
    low = 0.0 if successes == 0 else centre - half
    return low, 1.0 if successes == n else centre + half


def auc(malignant: Sequence[float], benign: Sequence[float]) -> Estimate:
    """Return the area under the ROC curve, or why there is none.

    >>> auc([0.9, 0.5], [0.5, 0.1]).value
    0.875
    """
    truth = np.array([True] * len(malignant) + [False] * len(benign), dtype=bool)
    area = evaluate.auc(np.array([*malignant, *benign]), truth)
    reason = "" if area is not None else _NO_BENIGN if malignant else _NO_MALIGNANT
    return Estimate(value=area, n=len(truth), reason=reason)


def waits(wait_min: Sequence[float]) -> Waits:
    """Return mean, median, 95th percentile and maximum of waiting times in minutes.

    Percentiles interpolate linearly: type 7 of R. J. Hyndman, Y. Fan (1996), The American
    Statistician 50(4), 361-365.

    >>> waits([0.0, 2.0, 4.0]).p95_min
    3.8
    """
    if not wait_min:
        return Waits(n=0, reason="no case")
    values = np.asarray(wait_min)
    p50_min, p95_min = (float(value) for value in np.quantile(values, [0.5, 0.95]))
    return Waits(
        n=len(values),
        mean_min=float(values.mean()),
        p50_min=p50_min,
        p95_min=p95_min,
        max_min=float(values.max()),
    )


def _share(outcomes: Iterable[bool], reason: str) -> Estimate:
    counted = list(outcomes)
    if not counted:
        return Estimate(reason=reason)
    low, high = wilson(sum(counted), len(counted))
    return Estimate(value=sum(counted) / len(counted), low=low, high=high, n=len(counted))


def _utilisation(busy_min: float, count: int, span_min: float, cases: int) -> Estimate:
    if not span_min > 0:
        return Estimate(reason="no time has passed")
    return Estimate(value=busy_min / (count * span_min), n=cases)
