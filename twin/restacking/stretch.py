"""Since when cases have looked as they do now: labels of before do not tell what a stack needs.

A window that holds a new dermatoscope's pictures and the old one's would be met half way: fitted
to a mixture that no patient of tomorrow belongs to, and judged on it. What cases look like is
known without labels, and of every case at once. So the window begins at the last change of the
columns that a stack weighs: where the mean of one of them moved by half a standard deviation or
more, and not by chance. Binary segmentation (Scott & Knott 1974, "A cluster analysis method for
grouping means in the analysis of variance"): the clearest change first, then the same in what came
after it, until there is none. A prevalence that moves moves columns, too. What leaves inputs as
they are, such as another meaning of the labels, is not seen here.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.restacking.ledger import LedgerCase

_ALPHA: Final = 1e-3  # of a change where there is none, over all cuts and columns (Bonferroni)
_LEAST_CHANGE: Final = 0.5  # standard deviations within the parts: assumption
_LEAST_CASES: Final = 30  # on either side of a change

Floats = NDArray[np.float64]


def unchanged_since(cases: Sequence[LedgerCase], learners: tuple[str, ...]) -> float:
    """Return when the first case arrived that looks like all later ones; 0 without cases.

    Parameters:
        cases: in order of arrival.
        learners: whose log-odds are columns, beside the sketch where every case has one.
    """
    if not cases:
        return 0.0
    columns = _columns(cases, learners)
    first = 0
    while (cut := last_change(columns[first:])) > 0:
        first += cut
    return cases[first].arrived.at_min


def last_change(columns: Floats) -> int:
    """Return after how many rows the clearest change is; 0 where there is none.

    Parameters:
        columns: shape (n, columns), in order of time, without NaN.
    """
    n = len(columns)
    if n < 2 * _LEAST_CASES:
        return 0
    centred = columns - columns.mean(axis=0)
    before = np.arange(_LEAST_CASES, n - _LEAST_CASES + 1)[:, None]
    after = n - before
    sums = np.cumsum(centred, axis=0)[before[:, 0] - 1]
    between = sums**2 * n / (before * after)  # sum of squares that the cut explains
    whole = (centred**2).sum(axis=0)
    within = np.maximum(whole - between, 1e-12 * n) / (n - 2)
    change = np.abs(sums) * n / (before * after) / np.sqrt(within)
    sure = np.sqrt(between / within)  # Student's t
    limit = NormalDist().inv_cdf(1.0 - _ALPHA / (2 * sure.size))
    clear = np.where((sure > limit) & (change >= _LEAST_CHANGE), sure, 0.0).max(axis=1)
    return int(before[int(clear.argmax()), 0]) if clear.any() else 0


def _columns(cases: Sequence[LedgerCase], learners: tuple[str, ...]) -> Floats:
    rows = [[case.verdict.log_odds.get(name, np.nan) for name in learners] for case in cases]
    found = np.array(rows, np.float64).reshape(len(cases), len(learners))
    widths = {len(case.verdict.sketch) for case in cases}
    if len(widths) == 1:
        sketch = np.array([case.verdict.sketch for case in cases], np.float64)
        found = np.concatenate([found, sketch.reshape(len(cases), -1)], axis=1)
    there = ~np.isnan(found)
    # A learner that is out is no change of what cases look like.
    mean = np.where(there, found, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return np.where(there, found, mean)
