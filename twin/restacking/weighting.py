"""How much a label stands for: the inverse of the probability that its case has one.

Labels come mostly from those whom the readers referred (verification bias; Begg and Greenes
1983, "Assessment of diagnostic tests when disease verification is subject to selection bias").
Weighted by the inverse of that probability, labelled cases stand for all (Horvitz and Thompson
1952). No weight is capped: a cap would bring the bias back where it is largest. What large
weights cost is seen in Kish's effective size.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEAST: Final = 5  # labels in a stratum; with fewer it is joined with its neighbour
_PARTS: Final = 3  # tertiles


def known_weights(p_verified: Floats, referred: Flags, closed: tuple[int, int]) -> Floats:
    """Return 1 / p, scaled so that referred and other labels stand for as many as there were.

    A probability counts verifications that may still come: one who is seen again after months
    has no label yet. So the weights of either kind, shape (n,), are made to sum up to the number
    of patients of that kind (post-stratification; Holt and Smith 1979).

    Parameters:
        p_verified: probability of being verified, sooner or later; shape (n,).
        referred: shape (n,).
        closed: patients of the window who went through to the end: not referred, referred.

    Raises:
        InvariantError: a probability is not in (0, 1].

    >>> known_weights(np.array([1, 0.5]), np.array([True, False]), (30, 10)).tolist()
    [10.0, 30.0]
    """
    if ((p_verified <= 0) | (p_verified > 1)).any():
        raise InvariantError("a label whose probability of verification is not in (0, 1]")
    weight: Floats = 1.0 / p_verified
    for kind, count in zip((False, True), closed, strict=True):
        some = referred == kind
        if some.any() and count:
            # Labels of patients who have not left yet can make more labels than patients.
            weight[some] *= max(count, int(some.sum())) / float(weight[some].sum())
    return weight


def estimated_weights(of_labels: NDArray[np.intp], of_closed: NDArray[np.intp]) -> Floats:
    """Return closed / labelled of each label's stratum, shape (n,).

    Labels that are still to come are made up for, and nobody need tell a probability.

    Parameters:
        of_labels: stratum of each label, from `strata_of`; shape (n,).
        of_closed: of each patient of the window who went through to the end.
    """
    labelled = np.bincount(of_labels, minlength=2 * _PARTS)
    closed = np.bincount(of_closed, minlength=2 * _PARTS)
    weight = np.zeros(2 * _PARTS)
    for half in (0, _PARTS):
        for lot in _joined(labelled[half : half + _PARTS]):
            there = [half + place for place in lot]
            count = int(labelled[there].sum())
            if count:
                weight[there] = max(int(closed[there].sum()), count) / count
    return weight[of_labels]


def strata_of(referred: Flags, score: Floats, cuts: Floats) -> NDArray[np.intp]:
    """Return each case's stratum: 0 to 2 by score where not referred, 3 to 5 where referred.

    Parameters:
        cuts: of the score, ascending; shape (2,).
    """
    found: NDArray[np.intp] = _PARTS * referred + np.searchsorted(cuts, score, side="right")
    return found


def tertiles(score: Floats) -> Floats:
    """Return the two scores that cut cases into thirds; zeros without cases."""
    return np.quantile(score, [1 / 3, 2 / 3]) if len(score) else np.zeros(2)


def effective_size(weight: Floats) -> float:
    """Return how many equally weighted labels tell as much (Kish 1965, section 11.7).

    >>> effective_size(np.array([1.0, 1.0, 2.0]))
    2.6666666666666665
    """
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def _joined(labelled: NDArray[np.intp]) -> list[list[int]]:
    """Join neighbouring strata until each lot has labels enough, or all are one."""
    lots: list[list[int]] = []
    for place in range(len(labelled)):
        if lots and labelled[lots[-1]].sum() < _LEAST:
            lots[-1].append(place)
        else:
            lots.append([place])
    if len(lots) > 1 and labelled[lots[-1]].sum() < _LEAST:
        last = lots.pop()
        lots[-1] += last
    return lots
