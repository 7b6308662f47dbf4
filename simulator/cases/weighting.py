"""Weights that make a sample look like a population: iterative proportional fitting, or raking.

W. E. Deming, F. F. Stephan (1940), On a least squares adjustment of a sampled frequency table when
the expected marginal totals are known, Annals of Mathematical Statistics 11(4), 427-444. What
holds between two properties in the sample (their odds ratio) holds after it; only margins change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]

_CLOSE: Final = 1e-9  # of shares to their targets; assumption: far below what any run can show
_MOST_ROUNDS: Final = 2000  # assumption: margins that can be met at all are met in some tens


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Margin:
    """Shares that a property is to have."""

    key: str  # where they stand in the scenario
    codes: NDArray[np.intp]  # (n,); which target an entry belongs to, or -1: the margin is not its
    targets: NDArray[np.float64]  # (k,); shares among the entries it concerns; sum to 1


def rake(weights: Weights, margins: Sequence[Margin]) -> tuple[Weights, Margin | None]:
    """Return weights that sum to 1 and meet all margins, and the margin that could not be met.

    Entries that a margin does not concern (a property that is not known of them) keep their share.

    Parameters:
        weights: to start with, shape (n,), 0 or more.

    >>> sex = Margin(key="sex", codes=np.array([0, 0, 0, 1]), targets=np.array([0.5, 0.5]))
    >>> rake(np.ones(4), [sex])[0].round(4).tolist()
    [0.1667, 0.1667, 0.1667, 0.5]
    """
    fitted = weights / weights.sum()
    concerned = [margin.codes >= 0 for margin in margins]
    worst: Margin | None = None
    for _ in range(_MOST_ROUNDS):
        off, worst = 0.0, None
        for margin, mask in zip(margins, concerned, strict=True):
            codes = margin.codes[mask]
            there = np.bincount(codes, fitted[mask], minlength=len(margin.targets))
            whole = there.sum()
            if whole <= 0:
                continue  # of a truth that nobody has
            miss = float(np.abs(there / whole - margin.targets).max())
            if miss > off:
                off, worst = miss, margin
            empty = there <= 0
            factor = np.where(empty, 0.0, whole * margin.targets / np.where(empty, 1.0, there))
            fitted[mask] *= factor[codes]
        if off <= _CLOSE:
            return fitted / fitted.sum(), None
    return fitted / fitted.sum(), worst


def effective_size(weights: Weights, clusters: NDArray[np.int32]) -> float:
    """Return how many equally weighted lesions would tell as much: Kish's effective sample size.

    L. Kish (1965), Survey Sampling, Wiley, section 11.7. Images of one lesion count as one.

    >>> effective_size(np.array([1.0, 1.0, 1.0, 1.0]), np.array([0, 1, 2, 2], np.int32))
    2.6666666666666665
    """
    if not len(weights) or weights.sum() <= 0:
        return 0.0
    by_lesion = np.bincount(clusters, weights)
    return float(by_lesion.sum() ** 2 / np.square(by_lesion).sum())
