"""Intervals of figures that are no means: replications left out one at a time.

A figure of all replications together, such as a balanced accuracy, has as its variance that of
its pseudo-values n θ - (n - 1) θ₍₋ᵢ₎ over n (J. W. Tukey 1958; B. Efron, R. J. Tibshirani 1993, An
Introduction to the Bootstrap, ch. 11). The replication is the independent unit, so whatever
correlates within one, and between two runs on the same random numbers, is in it.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np

from simulator.analysis.intervals import Interval
from simulator.analysis.precision import Vector, t_quantile

Unit = TypeVar("Unit")

_NO_SPREAD: Final = 1e-12  # standard error that is a residue of rounding


def jackknife_interval(
    units: Sequence[Unit],
    figure: Callable[[Sequence[Unit]], float | None],
    confidence: float = 0.95,
) -> Interval:
    """Return a figure of all units together with Student's interval on n - 1 degrees of freedom.

    Parameters:
        units: one for each replication.
        figure: of some units; None where they have none.

    >>> interval = jackknife_interval([9.0, 11.0, 10.0], lambda some: sum(some) / len(some))
    >>> round(interval.low, 4), interval.mean, round(interval.high, 4)
    (7.5159, 10.0, 12.4841)
    """
    mean = figure(units)
    if mean is None:
        return _without(None, "no replication has it")
    pseudo, reason = _pseudo(units, figure, mean)
    if pseudo is None:
        return _without(mean, reason)
    n = len(pseudo)
    error = math.sqrt(float(pseudo.var(ddof=1)) / n)
    if error <= _NO_SPREAD:
        return _without(mean, f"all {n} values agree: no spread was seen")
    half = t_quantile((1 + confidence) / 2, n - 1) * error
    return Interval(
        mean=mean, low=mean - half, high=mean + half, n=n, half_width=half, valid=True, reason=""
    )


def fieller_interval(
    units: Sequence[Unit],
    part: Callable[[Sequence[Unit]], float | None],
    whole: Callable[[Sequence[Unit]], float | None],
    confidence: float = 0.95,
) -> Interval:
    """Return the interval of part / whole, both of which vary and may correlate.

    All ρ for which part - ρ whole is not beyond chance: E. C. Fieller (1954), Some problems in
    interval estimation, Journal of the Royal Statistical Society B 16(2), 175-185; variances and
    covariance from pseudo-values. Where the whole may be 0 no ratio is bounded, and it says so.

    >>> units = [(1.0, 2.1), (1.2, 1.9), (0.9, 2.0), (1.1, 2.0)]
    >>> def mean(place):
    ...     return lambda some: sum(one[place] for one in some) / len(some)
    >>> interval = fieller_interval(units, mean(0), mean(1))
    >>> round(interval.low, 3), round(interval.mean, 3), round(interval.high, 3)
    (0.404, 0.525, 0.659)
    """
    a, b = part(units), whole(units)
    if a is None or b is None:
        return _without(None, "no replication has it")
    if b == 0:
        return _without(None, "there is nothing that it would be a share of")
    tops, reason = _pseudo(units, part, a)
    bottoms, _ = _pseudo(units, whole, b)
    if tops is None or bottoms is None:
        return _without(a / b, reason)
    n = len(tops)
    (aa, ab), (_, bb) = (np.cov(tops, bottoms, ddof=1) / n).tolist()
    t2 = t_quantile((1 + confidence) / 2, n - 1) ** 2
    q = b * b - t2 * bb
    if q <= 0:
        return _without(a / b, "what it is a share of may be 0, so it has no bounds")
    middle, rest = a * b - t2 * ab, a * a - t2 * aa
    root = math.sqrt(max(0.0, middle * middle - q * rest))
    if root <= _NO_SPREAD:
        return _without(a / b, f"all {n} values agree: no spread was seen")
    low, high = (middle - root) / q, (middle + root) / q
    return Interval(
        mean=a / b, low=low, high=high, n=n, half_width=(high - low) / 2, valid=True, reason=""
    )


def _pseudo(
    units: Sequence[Unit], figure: Callable[[Sequence[Unit]], float | None], of_all: float
) -> tuple[Vector | None, str]:
    n = len(units)
    if n < 2:
        return None, "one value: its spread is unknown"
    left = [figure([*units[:place], *units[place + 1 :]]) for place in range(n)]
    known = [one for one in left if one is not None]
    if len(known) < n:
        return None, "it rests on one replication: its spread is unknown"
    return n * of_all - (n - 1) * np.array(known), ""


def _without(mean: float | None, reason: str) -> Interval:
    return Interval(
        mean=mean, low=None, high=None, n=0, half_width=None, valid=False, reason=reason
    )
