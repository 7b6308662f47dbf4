"""Resamples of lesions, and figures of merit of every resample at once.

Images of one lesion are alike, so an interval that resampled images would be too narrow: lesions
are drawn with replacement, each with all its images (Efron & Tibshirani 1993, ch. 8 and 13).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RESAMPLES: Final = 2000  # intervals are then steady to about 0.001
LEVEL: Final = 0.95  # of intervals
BINS: Final = 10  # of the calibration error, equal widths; Guo et al. 2017, section 2
_SEED: Final = 0
_ROWS: Final = 250  # resamples weighed together: some ten MB for a few thousand images


def lesion_weights(
    lesions: Sequence[str], resamples: int = RESAMPLES, seed: int = _SEED
) -> Iterator[Floats]:
    """Yield how often each image occurs in each resample, in blocks of shape (rows, images).

    Parameters:
        lesions: of each image, a name; images of one lesion share it.

    >>> next(lesion_weights(["a", "a"], resamples=1)).tolist()
    [[1.0, 1.0]]
    """
    names, place = np.unique(np.array(lesions), return_inverse=True)
    stream = np.random.Generator(np.random.Philox(seed))
    share = np.full(len(names), 1 / len(names))
    for first in range(0, resamples, _ROWS):
        counts = stream.multinomial(len(names), share, min(_ROWS, resamples - first))
        yield counts[:, place].astype(np.float64)


def weighted_figures(
    p_malignant: Floats, malignant: Bools, weights: Floats, threshold: float
) -> Mapping[str, Floats]:
    """Return figures of merit for each row of weights; NaN where a row does not define one.

    Parameters:
        p_malignant: shape (n,).
        malignant: truth, shape (n,).
        weights: shape (rows, n).
        threshold: a probability at or above it is called malignant.
    """
    called = p_malignant >= threshold
    bins = np.minimum((p_malignant * BINS).astype(int), BINS - 1)
    columns = [
        called & malignant,
        called & ~malignant,
        ~called & malignant,
        ~called & ~malignant,
        (p_malignant - malignant) ** 2,
        *((bins == place) * (p_malignant - malignant) for place in range(BINS)),
    ]
    sums = weights @ np.stack(columns, axis=1).astype(np.float64)
    hits, alarms, misses, passes, squares = sums[:, :5].T
    total = weights.sum(axis=1)
    return {
        "accuracy": _ratio(hits + passes, total),
        "precision": _ratio(hits, hits + alarms),
        "sensitivity": _ratio(hits, hits + misses),
        "specificity": _ratio(passes, passes + alarms),
        "f1": _ratio(2 * hits, 2 * hits + alarms + misses),
        "auc": weighted_aucs(p_malignant, malignant, weights),
        "brier": _ratio(squares, total),
        "calibration_error": _ratio(np.abs(sums[:, 5:]).sum(axis=1), total),
    }


def weighted_aucs(score: Floats, malignant: Bools, weights: Floats) -> Floats:
    """Return the AUC for each row of weights, shape (rows,); ties count half.

    A row that lacks a class says nothing and gives NaN.
    """
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    ranked = weights[:, order]
    truth = malignant[order]
    ill = np.add.reduceat(ranked * truth, starts, axis=1)
    well = np.add.reduceat(ranked * ~truth, starts, axis=1)
    below = np.cumsum(well, axis=1) - well / 2
    return _ratio((ill * below).sum(axis=1), ill.sum(axis=1) * well.sum(axis=1))


def percentile_interval(values: Floats, level: float = LEVEL) -> tuple[float, float] | None:
    """Return the ends of the percentile interval, shape of `values` (resamples,).

    None where fewer than half of the resamples define the figure: the rest would mislead.
    """
    defined = values[~np.isnan(values)]
    if 2 * len(defined) <= len(values):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def shifted_interval(
    values: Floats, point: float, level: float = LEVEL
) -> tuple[float, float] | None:
    """Return the percentile interval moved by twice the bias that the resamples show.

    For figures that chance alone raises, such as the calibration error: a sample's is too large by
    about as much as a resample's exceeds it. It is never below 0.
    """
    ends = percentile_interval(values, level)
    if ends is None:
        return None
    twice = 2 * (float(np.nanmean(values)) - point)
    return max(0.0, ends[0] - twice), max(0.0, ends[1] - twice)


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return ratio
