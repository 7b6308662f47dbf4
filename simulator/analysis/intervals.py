"""Confidence intervals whose independent unit is stated, and how many replications they need.

Waits within a run depend on each other; taken for independent they give intervals that are far too
narrow. So an interval rests on replications, on batches of one long run, or on pairs of runs.
An interval that cannot be trusted has `valid` False and says why; it is never left out in silence.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulator.analysis.precision import (
    Vector,
    check_confidence,
    numbers,
    replications_for_precision,
    replications_to_decide,
    standard_error,
    t_quantile,
)

__all__ = [
    "Interval",
    "PairedInterval",
    "batch_interval",
    "cluster_ratio_interval",
    "paired_interval",
    "replication_interval",
    "replications_for_precision",
    "replications_to_decide",
]

# B. W. Schmeiser (1982), Batch size effects in the analysis of simulation output, Operations
# Research 30(3), 556-568: 10 to 30 batches are enough.
LEAST_BATCHES: Final = 10
LEAST_SIZE: Final = 20  # observations per batch; assumption
# A batch shall be ten times as long as the series remembers (assumption): its variance is then
# about a twentieth too small if correlation falls geometrically. That is judged on pieces of a
# fifth, of which there are enough for a steady verdict; with such a correlation they are then
# worth 2.65 independent observations each (1 / 0.3775, the exact variance at two memories).
PIECES: Final = 5
LEAST_WORTH: Final = 2.65
# One-sided 10 %, the upper half of the two-sided 20 % in A. Tafazzoli, J. R. Wilson (2011), Skart:
# a skewness- and autoregression-adjusted batch-means procedure, IIE Transactions 43(2), 110-128.
Z_RANDOMNESS: Final = 1.2815515655446004  # 0.9 quantile of the standard normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with its confidence interval. Where none can be computed, the numbers are None."""

    mean: float | None  # None when there is nothing to take a mean of
    low: float | None
    high: float | None
    n: int  # independent units that it rests on: replications, batches or pairs; 0 if none
    half_width: float | None
    valid: bool  # whether the interval can be trusted
    reason: str = ""  # why not; empty when valid


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedInterval:
    """A difference between two systems that were run on the same random numbers."""

    difference: Interval  # of b - a
    correlation: float | None  # between a and b; None when one of them does not vary
    variance_ratio: float | None  # variance of b - a over that of independent runs; below 1 helps


def replication_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the Student t interval of the mean over independent replications.

    Parameters:
        values: one number per replication, shape (n,).
        confidence: between 0 and 1.

    Raises:
        ValueError: no value, a value that is not finite, or another confidence.

    A. M. Law (2015), Simulation Modeling and Analysis, 5th ed., eq. 4.12 and sec. 9.4.1.

    >>> interval = replication_interval([9.0, 11.0, 10.0])
    >>> round(interval.low, 4), interval.mean, round(interval.high, 4)
    (7.5159, 10.0, 12.4841)
    >>> replication_interval([9.0]).reason
    'one value: its spread is unknown'
    """
    data = numbers("values", values)
    check_confidence(confidence)
    return _student(float(data.mean()), standard_error(data), len(data), confidence)


def batch_interval(
    series: Sequence[float], confidence: float = 0.95, batches: int = 20
) -> Interval:
    """Return the interval of the mean of one long autocorrelated series without its warm-up.

    Parameters:
        series: observations in order, shape (n,).
        confidence: between 0 and 1.
        batches: non-overlapping batches, 10 or more. Observations beyond a multiple of it are
            left out at the start, where the run is furthest from its steady state.

    The interval is not valid when batches are shorter than ten times the series' memory, the ratio
    of n var(mean) to var(observation), or when von Neumann's ratio finds batch means correlated:
    C = 1 - sum of squared successive differences / (2 sum of squares) has variance
    (b - 2) / (b² - 1) if they are not
    (G. S. Fishman 1978, Grouping observations in digital simulation, Management Science 24(5),
    510-521). Batches without correlation are called invalid in one of ten cases; a longer run
    settles it. No check sees congestion that the run did not have: of 400 runs of M/M/1 at load
    0.8, the valid ones covered the mean in 64 % at 10,000 waits (a quarter was valid), in 92 % at
    20,000 and in 95 % at 50,000.

    Raises:
        ValueError: an empty series, a value that is not finite, too few batches.

    Batch means: A. M. Law (2015), as above, sec. 9.5.3; N. M. Steiger, J. R. Wilson (2002), An
    improved batch means procedure for simulation output analysis, Management Science 48(12),
    1569-1586.
    """
    data = numbers("series", series)
    check_confidence(confidence)
    if batches < LEAST_BATCHES:
        raise ValueError(f"batches={batches!r}: expected {LEAST_BATCHES} or more")
    size = len(data) // batches
    if size < LEAST_SIZE:
        needed = LEAST_SIZE * batches
        reason = f"series too short: {len(data)} observations, {needed} or more are needed"
        return _without(float(data.mean()), 0, reason)
    used = data[len(data) - size * batches :]
    means = used.reshape(batches, size).mean(axis=1)
    interval = _student(float(used.mean()), standard_error(means), batches, confidence)
    if not interval.valid:
        return interval
    worth = _worth(used, size // PIECES)
    if worth < LEAST_WORTH:
        reason = (
            f"series too short: a batch of {size} is not ten times as long as the series remembers;"
            f" a fifth of it is worth {worth:.2f} observations, not {LEAST_WORTH}"
        )
        return _doubted(interval, reason)
    ratio = _von_neumann(means)
    if ratio > Z_RANDOMNESS:
        return _doubted(
            interval, f"batch means are correlated: von Neumann's test gives {ratio:.2f}"
        )
    return interval


def paired_interval(
    a: Sequence[float], b: Sequence[float], confidence: float = 0.95
) -> PairedInterval:
    """Return the interval of b - a over pairs of runs with common random numbers.

    Parameters:
        a, b: one number per replication of either system, in the same order, shape (n,).
        confidence: between 0 and 1.

    Raises:
        ValueError: unequal lengths, no pair, or a value that is not finite.

    A. M. Law (2015), as above, sec. 10.2.1 and 11.2.

    >>> paired = paired_interval([1.0, 2.0, 3.0], [2.0, 3.5, 4.5])
    >>> round(paired.difference.mean, 4), round(paired.correlation, 4)
    (1.3333, 0.9934)
    """
    before, after = numbers("a", a), numbers("b", b)
    if len(before) != len(after):
        raise ValueError(f"a and b are not pairs: {len(before)} and {len(after)} values")
    difference = replication_interval([float(d) for d in after - before], confidence)
    if len(before) < 2 or before.min() == before.max() or after.min() == after.max():
        return PairedInterval(difference=difference, correlation=None, variance_ratio=None)
    apart = before.var(ddof=1) + after.var(ddof=1)
    return PairedInterval(
        difference=difference,
        correlation=float(np.corrcoef(before, after)[0, 1]),
        variance_ratio=float((after - before).var(ddof=1) / apart),
    )


def cluster_ratio_interval(
    numerators: Sequence[float], denominators: Sequence[float], confidence: float = 0.95
) -> Interval:
    """Return the interval of sum(numerators) / sum(denominators) over independent replications.

    For instance hits over malignant cases. Cases of one replication may depend on each other (one
    tired reader), so the replication is the unit. A ratio near 0 or 1 may have an interval beyond
    it, for the method is that of a mean.

    Parameters:
        numerators, denominators: one number per replication, shape (n,); denominators are 0 or
            more.
        confidence: between 0 and 1.

    Raises:
        ValueError: unequal lengths, no value, a value not finite, a negative denominator, or a
            numerator without its denominator.

    Delta method: var = n / (n - 1) sum of (a_i - r b_i)² / (sum of b_i)²; W. G. Cochran (1977),
    Sampling Techniques, 3rd ed., sec. 6.3, with Student t on n - 1 degrees of freedom.

    >>> interval = cluster_ratio_interval([8, 9, 10], [10, 10, 12])
    >>> round(interval.low, 4), round(interval.mean, 4), round(interval.high, 4)
    (0.7246, 0.8438, 0.9629)
    """
    tops, bottoms = numbers("numerators", numerators), numbers("denominators", denominators)
    check_confidence(confidence)
    if len(tops) != len(bottoms):
        raise ValueError(f"not pairs: {len(tops)} numerators and {len(bottoms)} denominators")
    for top, bottom in zip(tops.tolist(), bottoms.tolist(), strict=True):
        if bottom < 0 or (bottom == 0 and top != 0):
            raise ValueError(f"denominator {bottom!r} below numerator {top!r}: expected above 0")
    total = float(bottoms.sum())
    if total == 0:
        return _without(None, len(tops), "all denominators are 0")
    ratio = float(tops.sum()) / total
    rest = tops - ratio * bottoms
    n = len(tops)
    # A residue of rounding is no spread.
    rest[np.abs(rest) <= 1e-12 * np.maximum(np.abs(tops), bottoms)] = 0.0
    error = math.sqrt(n / (n - 1) * float(rest @ rest)) / total if n > 1 else 0.0
    return _student(ratio, error, n, confidence)


def _student(mean: float, error: float, n: int, confidence: float) -> Interval:
    if n < 2:
        return _without(mean, n, "one value: its spread is unknown")
    half = t_quantile((1 + confidence) / 2, n - 1) * error
    return Interval(
        mean=mean,
        low=mean - half,
        high=mean + half,
        n=n,
        half_width=half,
        valid=error > 0,
        reason="" if error > 0 else f"all {n} values agree: no spread was seen",
    )


def _without(mean: float | None, n: int, reason: str) -> Interval:
    return Interval(
        mean=mean, low=None, high=None, n=n, half_width=None, valid=False, reason=reason
    )


def _doubted(interval: Interval, reason: str) -> Interval:
    return replace(interval, valid=False, reason=reason)


def _von_neumann(means: Vector) -> float:
    """Return von Neumann's C over its standard deviation: standard normal if nothing correlates."""
    b = len(means)
    steps, rest = np.diff(means), means - means.mean()
    c = 1 - float(steps @ steps) / (2 * float(rest @ rest))
    return c / math.sqrt((b - 2) / (b * b - 1))


def _worth(series: Vector, size: int) -> float:
    """Return how many independent observations one mean of `size` successive ones is worth."""
    pieces = len(series) // size
    means = series[len(series) - pieces * size :].reshape(pieces, size).mean(axis=1)
    variance = float(means.var(ddof=1))
    return float(series.var(ddof=1)) / variance if variance > 0 else math.inf
