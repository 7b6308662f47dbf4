"""How good answers are, once the truth is known."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError

_BINS: Final = 10  # of the calibration error, equal widths; as in Guo et al. 2017, section 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Metrics of a set of answers; one that the set does not define is None."""

    n: int
    malignant: int  # how many of n
    accuracy: float
    sensitivity: float | None  # also called recall; None without malignant cases
    specificity: float | None  # None without benign cases
    precision: float | None  # None if nothing was called malignant
    f1: float | None  # harmonic mean of precision and sensitivity
    auc: float | None  # None unless both classes occur
    brier: float  # mean squared error of the probability
    calibration_error: float  # expected |confidence − frequency| over ten bins of probability


def evaluate(
    p_malignant: NDArray[np.float64], y: NDArray[np.bool_], threshold: float
) -> Evaluation:
    """Compare probabilities with the truth.

    Parameters:
        p_malignant: shape (n,), at least one.
        y: truth, shape (n,), True is malignant.
        threshold: a probability at or above it is called malignant.

    Raises:
        InvariantError: nothing to evaluate, or lengths differ.

    >>> evaluate(np.array([0.9, 0.2, 0.6]), np.array([True, False, False]), 0.5).specificity
    0.5
    """
    if not len(y) or len(y) != len(p_malignant):
        raise InvariantError(f"cannot evaluate {len(p_malignant)} answers to {len(y)} cases")
    called = p_malignant >= threshold
    hits, alarms = int((called & y).sum()), int((called & ~y).sum())
    misses, passes = int((~called & y).sum()), int((~called & ~y).sum())
    return Evaluation(
        n=len(y),
        malignant=int(y.sum()),
        accuracy=(hits + passes) / len(y),
        sensitivity=_share(hits, hits + misses),
        specificity=_share(passes, passes + alarms),
        precision=_share(hits, hits + alarms),
        f1=_share(2 * hits, 2 * hits + alarms + misses),
        auc=auc(p_malignant, y),
        brier=float(np.mean((p_malignant - y) ** 2)),
        calibration_error=calibration_error(p_malignant, y),
    )


def auc(score: NDArray[np.float64], y: NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve: how often a malignant case outranks a benign one.

    Ties count half (Mann & Whitney 1947). None unless both classes occur.

    >>> auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
    0.875
    """
    malignant, benign = int(y.sum()), int((~y).sum())
    if not malignant or not benign:
        return None
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - (counts - 1) / 2  # mid-rank of each distinct score, from 1
    outranked = float(rank[place[y]].sum()) - malignant * (malignant + 1) / 2
    return outranked / (malignant * benign)


def calibration_error(p: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """Return the expected calibration error (Guo et al. 2017, equation 3).

    >>> calibration_error(np.array([0.75, 0.75]), np.array([True, False]))
    0.25
    """
    return float(np.abs(calibration_gaps(p, y)).sum() / len(p))


def calibration_gaps(p: NDArray[np.float64], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the sum of p - y in each of ten bins of p, shape (10,).

    Their sizes over the number of cases are the calibration error; sums of several sets add up.
    """
    place = np.minimum((p * _BINS).astype(int), _BINS - 1)
    return np.asarray(np.bincount(place, weights=p - y, minlength=_BINS), np.float64)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
