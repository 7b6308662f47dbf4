"""Where a run's warm-up ends: MSER-5 by number, Welch's curve by eye."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.analysis.precision import Vector, numbers

BATCH: Final = 5  # the 5 of MSER-5
LEAST_BATCHES: Final = 10  # assumption: fewer show no trend


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """How many observations to delete at the start, and the curve that says so."""

    cut: int  # observations to delete: a multiple of `batch`
    curve: tuple[float, ...]  # MSER statistic when 0, 1, 2, ... batches are deleted
    batch: int = BATCH  # observations per step of the curve
    valid: bool  # whether the cut can be trusted
    reason: str = ""  # why not; empty when valid


@dataclass(frozen=True, slots=True, kw_only=True)
class WelchCurve:
    """The mean over replications, and its moving average, for the plot."""

    mean: tuple[float, ...]  # per observation, over replications
    smooth: tuple[float, ...]  # moving average; shorter than `mean` by the window
    window: int  # observations to each side of the one in the middle


def mser5(series: Sequence[float]) -> WarmUp:
    """Return the MSER-5 truncation point of one run.

    Parameters:
        series: observations in order, shape (n,); a remainder of n / 5 is left out at the end.

    The statistic of d deleted batches out of k is sum of (z_i - mean)² / (k - d)² over the rest:
    the squared standard error of the mean, were batches independent. The cut is where it is
    least (the first such point), among the first half of the batches. If that is the last
    candidate, the statistic was still falling, and the result is not valid; nor is it below ten
    batches.

    Raises:
        ValueError: an empty series, or a value that is not finite.

    K. P. White (1997), An effective truncation heuristic for bias reduction in simulation output,
    Simulation 69(6), 323-334; K. P. White, M. J. Cobb, S. C. Spratt (2000), A comparison of five
    steady-state truncation heuristics for simulation, Proc. Winter Simulation Conf., 755-760; run
    too short: K. Hoad, S. Robinson, R. Davies (2010), Automating warm-up length estimation, Journal
    of the Operational Research Society 61(9), 1389-1403.

    >>> mser5([9.0] * 10 + [1.0, 2.0, 1.0, 2.0, 1.0, 2.0] * 20).cut
    10
    """
    data = numbers("series", series)
    batches = len(data) // BATCH
    if batches < LEAST_BATCHES:
        reason = f"run too short: {len(data)} observations, {LEAST_BATCHES * BATCH} are needed"
        return WarmUp(cut=0, curve=(), valid=False, reason=reason)
    means = data[: batches * BATCH].reshape(batches, BATCH).mean(axis=1)
    curve = _statistic(means, batches // 2)
    least = int(np.argmin(curve))
    short = least == len(curve) - 1
    return WarmUp(
        cut=least * BATCH,
        curve=tuple(curve.tolist()),
        valid=not short,
        reason="run too short: the statistic is still falling at the last candidate"
        if short
        else "",
    )


def welch(curves: Sequence[Sequence[float]], window: int | None = None) -> WelchCurve:
    """Return Welch's curve of several replications.

    Parameters:
        curves: one series per replication, each in order; all are cut to the shortest.
        window: observations to each side in the moving average, at most a quarter of the length;
            by default a twentieth (assumption). Near the start the window is as wide as it can be.

    Raises:
        ValueError: no series, an empty one, a value that is not finite, or another window.

    P. D. Welch (1983), The statistical analysis of simulation results, in: Computer Performance
    Modeling Handbook; A. M. Law (2015), Simulation Modeling and Analysis, 5th ed., sec. 9.5.1.

    >>> welch([[5.0, 3.0, 0.0, 0.0], [7.0, 3.0, 0.0, 0.0]], 1).smooth
    (6.0, 3.0, 1.0)
    """
    if not curves:
        raise ValueError("curves: expected one series or more")
    series = [numbers(f"curves[{i}]", curve) for i, curve in enumerate(curves)]
    length = min(len(curve) for curve in series)
    if window is None:
        window = length // 20
    if not 0 <= window <= length // 4:
        raise ValueError(f"window={window!r}: expected 0 to {length // 4}, a quarter of the length")
    mean = np.mean([curve[:length] for curve in series], axis=0)
    sums = np.concatenate([[0.0], np.cumsum(mean - mean[-1])])
    middle = np.arange(length - window)
    reach = np.minimum(middle, window)
    smooth = mean[-1] + (sums[middle + reach + 1] - sums[middle - reach]) / (2 * reach + 1)
    return WelchCurve(mean=tuple(mean.tolist()), smooth=tuple(smooth.tolist()), window=window)


def _statistic(means: Vector, last: int) -> Vector:
    """Return the MSER statistic for 0..last deleted batches, in one pass from the end."""
    # Sums of squares cancel when the level is far from 0; the second half, which every candidate
    # keeps, gives the level.
    centred = means - means[len(means) // 2 :].mean()
    counts = np.arange(1, len(means) + 1)
    sums = np.cumsum(centred[::-1])
    squares = np.cumsum(centred[::-1] ** 2)
    statistic = np.maximum(squares - sums * sums / counts, 0.0) / (counts * counts)
    return np.asarray(statistic[::-1][: last + 1], dtype=np.float64)
