"""How good the model is on a bank as it is drawn, and how sure that is.

Intervals of a run hold for the bank that it draws from: patients without number tell nothing new of
a few hundred lesions. How sure the bank itself is comes from drawing its lesions anew (bootstrap:
B. Efron, R. J. Tibshirani (1993), An Introduction to the Bootstrap, chapter 13).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.cases.bank import Bank, Scores
from simulator.cases.bank_margins import Mixture
from simulator.draws.streams import stream

_ROUNDS: Final = 1000  # as Efron and Tibshirani advise for intervals by percentiles (page 188)
_TAIL: Final = 0.025  # 95 % intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Sure:
    """A figure of the bank with its 95 % interval; None where the bank has no such cases."""

    value: float | None
    low: float | None
    high: float | None


def quality(bank: Bank, scores: Scores, mixture: Mixture, threshold: float) -> dict[str, Sure]:
    """Return AUC, sensitivity and specificity of the weighted bank.

    Lesions are drawn anew within each truth, their weights as they are. Images that could not be
    scored count as nobody.

    Parameters:
        threshold: on p_malignant.
    """
    scored = np.isfinite(scores.p_malignant)
    p = scores.p_malignant[scored]
    malignant, weights = bank.malignant[scored], mixture.weights[scored]
    lesion = np.unique(bank.lesion[scored], return_inverse=True)[1].reshape(-1)
    names = ("auc", "sensitivity", "specificity")
    value = _figures(p, malignant, weights, threshold)
    rounds = np.full((_ROUNDS, len(names)), np.nan)
    # No key of a run: the interval is the bank's own.
    draws = stream(0, 0, "bank.bootstrap")
    sides = [np.unique(lesion[malignant == truth]) for truth in (False, True)]
    for place in range(_ROUNDS):
        times = np.zeros((2, len(p) + 1))
        for truth, lesions in enumerate(sides):
            if len(lesions):
                drawn = lesions[draws.integers(len(lesions), size=len(lesions))]
                times[truth, : lesion.max() + 1] = np.bincount(drawn, minlength=lesion.max() + 1)
        again = weights * times[malignant.astype(np.intp), lesion]
        rounds[place] = _figures(p, malignant, again, threshold)
    found = {}
    for column, name in enumerate(names):
        if np.isnan(value[column]):
            found[name] = Sure(value=None, low=None, high=None)
            continue
        low, high = np.nanquantile(rounds[:, column], [_TAIL, 1 - _TAIL])
        found[name] = Sure(value=_plain(value[column]), low=_plain(low), high=_plain(high))
    return found


def _figures(
    p: NDArray[np.float64],
    malignant: NDArray[np.bool_],
    weights: NDArray[np.float64],
    threshold: float,
) -> tuple[float, float, float]:
    ill, well = np.where(malignant, weights, 0.0), np.where(malignant, 0.0, weights)
    flagged = p >= threshold
    return (
        weighted_auc(p, ill, well),
        _share(ill[flagged].sum(), ill.sum()),
        _share(well[~flagged].sum(), well.sum()),
    )


def weighted_auc(
    p: NDArray[np.float64], ill: NDArray[np.float64], well: NDArray[np.float64]
) -> float:
    """Return how often a malignant case outranks a benign one, each drawn by its weight.

    Parameters:
        ill, well: weights as a malignant and as a benign case, shape (n,).

    >>> one = np.array([0.0, 1.0, 0.0, 1.0])
    >>> weighted_auc(np.array([0.1, 0.4, 0.4, 0.8]), one, 1 - one)
    0.875
    """
    _, place = np.unique(p, return_inverse=True)
    malignant, benign = np.bincount(place.reshape(-1), ill), np.bincount(place.reshape(-1), well)
    below = np.cumsum(benign) - benign / 2  # ties count half
    return _share(float((malignant * below).sum()), float(malignant.sum() * benign.sum()))


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _plain(value: float) -> float:
    return round(float(value), 6)
