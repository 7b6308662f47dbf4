"""Where a run's warm-up ends, by MSER-5."""

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
