"""How well one fact that is no lesion tells the classes apart, out of fold, by lesion.

Each value, or each tenth of the numbers, is scored by the share of malignant images that it has in
the other folds. So a fact that only seems to help by chance gets an AUC near 0.5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.audit.looks import Value
from twin.evaluation.resampling import (
    Bools,
    Floats,
    lesion_weights,
    percentile_interval,
    weighted_aucs,
)
from twin.meta import Folds

HELPS: Final = 0.55  # lower end of the interval; assumption: less changes no score that matters
STRONG: Final = 0.70  # AUC; assumption: as good as many a clinical predictor
_BINS: Final = 10  # of numbers
_MORE: Final = 1.0  # images of each class added to each value: Laplace's rule
_TREES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """One fact alone as a classifier."""

    name: str
    auc: float  # out of fold
    low: float | None  # ends of the 95 % interval over lesions
    high: float | None
    by_class: Mapping[str, str]  # "benign", "malignant" -> what the fact is like there

    @property
    def helps(self) -> bool:
        """Whether it tells the classes apart beyond chance and trifles."""
        return self.low is not None and self.low > HELPS


def shortcut(
    name: str, values: Sequence[Value], malignant: Bools, groups: Sequence[str], folds: Folds
) -> Shortcut | None:
    """Return one fact's worth; None for a fact that is the same for all images."""
    if len(set(values)) < 2:
        return None
    score = np.empty(len(values))
    for seen, unseen in folds:
        bins = _binned(values, seen)
        ill = np.bincount(bins[seen], weights=malignant[seen], minlength=bins.max() + 1)
        all_of = np.bincount(bins[seen], minlength=bins.max() + 1)
        prior = malignant[seen].mean()
        score[unseen] = ((ill + _MORE * prior) / (all_of + _MORE))[bins[unseen]]
    return judged(name, score, malignant, groups, _by_class(values, malignant))


def together(
    name: str,
    columns: Mapping[str, Sequence[Value]],
    malignant: Bools,
    groups: Sequence[str],
    folds: Folds,
) -> Shortcut | None:
    """Return what all facts together are worth, by a random forest; None if none varies."""
    from sklearn.ensemble import RandomForestClassifier

    varying = [values for values in columns.values() if len(set(values)) > 1]
    if not varying:
        return None
    x = np.stack([_numbers(values) for values in varying], axis=1)
    score = np.empty(len(malignant))
    for seen, unseen in folds:
        forest = RandomForestClassifier(_TREES, min_samples_leaf=5, random_state=0, n_jobs=1)
        score[unseen] = forest.fit(x[seen], malignant[seen]).predict_proba(x[unseen])[:, 1]
    return judged(name, score, malignant, groups, {})


def judged(
    name: str, score: Floats, malignant: Bools, groups: Sequence[str], by_class: Mapping[str, str]
) -> Shortcut:
    """Return out-of-fold scores, shape (n,), as a shortcut with its interval."""
    drawn = [weighted_aucs(score, malignant, weights) for weights in lesion_weights(groups)]
    ends = percentile_interval(np.concatenate(drawn))
    point = weighted_aucs(score, malignant, np.ones((1, len(score))))[0]
    return Shortcut(
        name=name,
        auc=round(float(point), 4),
        low=round(ends[0], 4) if ends else None,
        high=round(ends[1], 4) if ends else None,
        by_class=by_class,
    )


def _binned(values: Sequence[Value], seen: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return a bin per value: tenths of the numbers that were seen, or one bin a word."""
    numbers = [value for value in values if isinstance(value, float)]
    if not numbers:
        return np.unique([str(value) for value in values], return_inverse=True)[1]
    filled = _numbers(values)
    met = filled[seen]
    known = met[met >= 0]
    if not len(known):
        return np.zeros(len(values), np.intp)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    # Bin 0 is for the unknown, which is below all numbers.
    return np.where(filled < 0, 0, 1 + np.searchsorted(edges, filled, side="right"))


def _numbers(values: Sequence[Value]) -> Floats:
    """Return values as numbers; words in the order of the alphabet, the unknown as −1."""
    if any(isinstance(value, float) for value in values):
        return np.array([value if isinstance(value, float) else -1.0 for value in values])
    return np.unique([str(value) for value in values], return_inverse=True)[1].astype(np.float64)


def _by_class(values: Sequence[Value], malignant: Bools) -> dict[str, str]:
    said = {}
    for label, wanted in (("benign", False), ("malignant", True)):
        here = [value for value, ill in zip(values, malignant, strict=True) if ill == wanted]
        numbers = [value for value in here if isinstance(value, float)]
        unknown = sum(value is None for value in here) / len(here)
        if numbers:
            low, middle, high = np.quantile(numbers, [0.25, 0.5, 0.75])
            text = f"median {middle:.4g} ({low:.4g} to {high:.4g})"
        else:
            words, counts = np.unique([str(v) for v in here if v is not None], return_counts=True)
            first = np.argsort(-counts, kind="stable")[:3]
            text = ", ".join(f"{words[k]} {counts[k] / len(here):.0%}" for k in first)
        said[label] = text + (f"; unknown {unknown:.0%}" if unknown else "")
    return said
