"""What each label counts in a fit, so that those who are rarely verified are not forgotten."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.restacking.evidence import Evidence
from twin.restacking.ledger import Answered
from twin.restacking.plan import Weighting

_BANDS: Final = 3  # of the score, within those referred and those not: assumption


def fit_weights(
    how: Weighting,
    evidence: Evidence,
    cases: Sequence[Answered],
    referred: Callable[[str], bool | None],
) -> NDArray[np.float64]:
    """Return each label's weight in a fit, shape (n,), with mean 1.

    `known`: the inverse of the probability that the pathway verifies such a patient. `estimated`:
    the inverse of the share that has a label, among the closed cases of the same stratum (referred
    or not, third of the score); it also makes up for labels that are still to come. `none`: all
    alike, which is biased wherever verification depends on the decision (Begg & Greenes 1983).

    Parameters:
        cases: all answered cases of the same time, labelled or not.
        referred: the readers' decision by case; None while a case is not closed.
    """
    if not len(evidence):
        return np.empty(0)
    if how == "none":
        return np.ones(len(evidence))
    weight = 1.0 / evidence.p_verified
    if how == "estimated":
        weight = _by_strata(evidence, cases, referred)
    return np.asarray(weight / weight.mean())


def effective_size(weight: NDArray[np.float64]) -> float:
    """Return how many equally weighted labels are worth as much (Kish 1965).

    >>> effective_size(np.ones(5))
    5.0
    """
    return float(weight.sum() ** 2 / np.sum(weight**2)) if len(weight) else 0.0


def _by_strata(
    evidence: Evidence, cases: Sequence[Answered], referred: Callable[[str], bool | None]
) -> NDArray[np.float64]:
    known = {case.case_id: referred(case.case_id) for case, _ in cases}
    closed = {
        case.case_id: answer.p_malignant
        for case, answer in cases
        if known[case.case_id] is not None
    }
    labelled = set(evidence.case_id)
    weight: dict[str, float] = {}
    for decision in (False, True):
        names = sorted(name for name in closed if known[name] is decision)
        if not names:
            continue
        scores = np.array([closed[name] for name in names])
        band = np.searchsorted(np.quantile(scores, np.arange(1, _BANDS) / _BANDS), scores)
        for number in range(_BANDS):
            stratum = [
                name for name, its in zip(names, band.tolist(), strict=True) if its == number
            ]
            seen = sum(name in labelled for name in stratum)
            weight |= {name: len(stratum) / seen for name in stratum if seen}
    # Who has a label and is not closed yet stands for nobody else.
    return np.array([weight.get(name, 1.0) for name in evidence.case_id])
