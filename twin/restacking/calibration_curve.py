"""How far probabilities are from frequencies, from a curve of two numbers.

The usual ten bins (twin/evaluate.py) hold a handful of labels each: their error is mostly chance,
and the more so the less extreme a side's probabilities are, so that of two sides the bolder one
would always look better. A calibration curve, logit q = a + b · logit p (Cox 1958, "Two further
applications of a model for binary regression"), has two parameters to be uncertain of. The error
is the mean |p - q| over the cases (Austin & Steyerberg 2019, "The Integrated Calibration Index",
section 2.3, with this curve in place of a smoother).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.restacking.clusters import effective_cases

Floats = NDArray[np.float64]

_PRIOR_CASES: Final = 4.0  # that say a = 0, b = 1, so that ten labels have a curve, too: assumption
_FOLDED: Final = 1.0 - 2.0 / np.pi  # variance of |x| where x is normal about 0 with variance 1
_STEPS: Final = 25
_FAR: Final = 15.0  # nats
LEAST_P: Final = 1e-6  # probabilities come in steps of 1e-6, so 0 means less than that


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationError:
    """Weighted mean |p - q|, and each case's influence on it, shape (n,)."""

    value: float  # chance taken out
    influence: Floats
    doubt: float  # variance that the influence does not tell: what chance may hide near 0


def calibration_of(
    p_malignant: Floats, malignant: NDArray[np.bool_], weight: Floats, cluster: NDArray[np.intp]
) -> CalibrationError:
    """Return the error of probabilities against labels.

    Parameters:
        weight: positive; only ratios matter. All shape (n,), n at least 1.
        cluster: cases of one number are not independent.
    """
    kept = np.clip(p_malignant, LEAST_P, 1.0 - LEAST_P)
    rows = np.stack([np.ones(len(kept)), np.log(kept / (1.0 - kept))], axis=1)
    total = float(weight.sum())
    # A case at p = 1/2 tells 1/4 of a.
    pull = 0.25 * _PRIOR_CASES * total / effective_cases(weight, cluster) * np.array([1.0, 4.0])
    curve = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        q = _at(rows, curve)
        gradient = np.einsum("ij,i->j", rows, weight * (malignant - q))
        gradient -= pull * (curve - np.array([0.0, 1.0]))
        information = _information(rows, q, weight, pull)
        move = np.linalg.solve(information, gradient)
        largest = float(np.abs(move).max())
        curve = curve + move * min(1.0, 1.0 / max(largest, 1e-12))  # no step into the flat
        if largest < 1e-9:
            break
    q = _at(rows, curve)
    information = _information(rows, q, weight, pull)
    away, slope = np.abs(kept - q), q * (1.0 - q)
    raw = float(np.sum(weight * away)) / total
    pushes = np.linalg.solve(information, (rows * (weight * (malignant - q))[:, None]).T).T
    signed = np.einsum("ij,i->j", rows, weight * np.sign(q - kept) * slope) / total
    influence = weight * (away - raw) / total + np.einsum("ij,j->i", pushes, signed)
    # What chance alone would make of the curve: the variance of q, case by case.
    _, place = np.unique(cluster, return_inverse=True)
    sums = np.stack([np.bincount(place, weights=column) for column in pushes.T], axis=1)
    spread = np.einsum("ij,ik->jk", sums, sums)
    chance = slope * slope * np.einsum("ij,jk,ik->i", rows, spread, rows)
    square = max(float(np.sum(weight * away * away)) / total, 1e-30)
    noise = float(np.sum(weight * chance)) / total
    part = min(1.0, noise / square)
    return CalibrationError(raw * float(np.sqrt(1.0 - part)), influence, _FOLDED * noise * part)


def _at(rows: Floats, curve: Floats) -> Floats:
    log_odds = np.clip(np.einsum("ij,j->i", rows, curve), -_FAR, _FAR)
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)), np.float64)


def _information(rows: Floats, q: Floats, weight: Floats, pull: Floats) -> Floats:
    scaled = rows * (weight * q * (1.0 - q))[:, None]
    return np.asarray(np.einsum("ij,ik->jk", scaled, rows) + np.diag(pull), np.float64)
