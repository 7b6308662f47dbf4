"""By how much a challenger differs from a champion, and how sure that is.

Both answered the same cases, so the change is estimated case by case (paired). Cases are weighted
by the inverse of their verification probability (Hájek's ratio estimator), and patients with one
picture are one cluster. Standard errors come from influence functions, summed within clusters:
closed forms, so ten thousand labels take milliseconds where a bootstrap would take a minute.

A sample without a single case on which the two disagree does not prove that they are equal:
pseudo-observations are added to the variance (Agresti & Min 2005, "Simple improved confidence
intervals for comparing matched proportions", section 3: half a case in each of the four cells).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError

BINS: Final = 10  # of the calibration error, as in twin/evaluate.py
_LEAST_P: Final = 1e-6  # probabilities come in steps of 1e-6, so 0 means less than that


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Labelled cases with the answers of both sides; all columns of length n."""

    malignant: NDArray[np.bool_]
    weight: NDArray[np.float64]  # inverse of the probability of being labelled
    cluster: NDArray[np.intp]  # cases of one number are not independent
    champion: NDArray[np.float64]  # p_malignant
    challenger: NDArray[np.float64]
    champion_flags: NDArray[np.bool_]  # called malignant, each at its own operating point
    challenger_flags: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.malignant)

    def where(self, chosen: NDArray[np.bool_]) -> "Pairs":
        """Return some of the cases."""
        return Pairs(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A metric of both sides, and its change with standard error."""

    champion: float
    challenger: float
    change: float  # challenger less champion
    se: float  # standard error of the change, pseudo-observations included
    effective: float  # independent cases of equal weight that would tell as much (Kish)

    def low(self, z: float) -> float:
        """Return the lower one-sided bound, z standard errors down."""
        return self.change - z * self.se

    def high(self, z: float) -> float:
        """Return the upper one-sided bound."""
        return self.change + z * self.se


def effective_cases(weight: NDArray[np.float64], cluster: NDArray[np.intp]) -> float:
    """Return Kish's effective sample size, of clusters (Kish 1965, section 11.7).

    (Σ W)² / Σ W² over the clusters' sums of weights W.

    >>> effective_cases(np.ones(4), np.array([0, 0, 1, 1]))
    2.0
    """
    sums = _by_cluster(weight, cluster)
    squares = float(np.sum(sums * sums))
    return float(sums.sum()) ** 2 / squares if squares else 0.0


def sensitivity_change(pairs: Pairs) -> Change:
    """Return the change of the share of malignant cases that is called malignant."""
    return _flag_change(pairs, pairs.malignant, malignant=True)


def specificity_change(pairs: Pairs) -> Change:
    """Return the change of the share of benign cases that is not called malignant."""
    return _flag_change(pairs, ~pairs.malignant, malignant=False)


def log_loss_change(pairs: Pairs) -> Change:
    """Return the change of the mean log-loss, in nats; negative is better."""
    losses = [_log_loss(p, pairs.malignant) for p in (pairs.champion, pairs.challenger)]
    return _mean_change(losses[0], losses[1], pairs.weight, pairs.cluster)


def auc_change(pairs: Pairs) -> Change:
    """Return the change of the area under the ROC curve, weighted, ties counting half.

    Structural components of DeLong, DeLong & Clarke-Pearson 1988, "Comparing the areas under two
    or more correlated receiver operating characteristic curves", equations 3 to 6, with weights
    in place of counts and summed within clusters (Obuchowski 1997, section 2).

    Raises:
        InvariantError: one of the classes is absent.
    """
    _need(pairs.malignant.any() and not pairs.malignant.all(), "both classes")
    before, part_before = _auc_parts(pairs.champion, pairs.malignant, pairs.weight)
    after, part_after = _auc_parts(pairs.challenger, pairs.malignant, pairs.weight)
    rarer = min(
        effective_cases(pairs.weight[of], pairs.cluster[of])
        for of in (pairs.malignant, ~pairs.malignant)
    )
    variance = _variance(part_after - part_before, pairs.cluster)
    return Change(
        champion=before,
        challenger=after,
        change=after - before,
        se=float(np.sqrt(variance)),
        effective=rarer,
    )


def calibration_change(pairs: Pairs) -> Change:
    """Return the change of the expected calibration error, over ten bins of probability.

    An error is Σ |gap| over bins, of the weighted sum of (p - label) divided by all weight
    (Guo et al. 2017, equation 3). With few labels |gap| is too large by chance alone, and more so
    for the side whose probabilities are less extreme, so the gap's own variance is taken from its
    square (Kumar, Liang & Ma 2019, "Verified uncertainty calibration", section 5). A bin with one
    picture alone tells no variance and is left out. The influence on |gap| is
    sign(gap) · (p - label): near a gap of 0 too large, never too small.
    """
    _need(len(pairs) > 0, "a case")
    total = float(pairs.weight.sum())
    errors, parts = [], []
    for p in (pairs.champion, pairs.challenger):
        place = np.minimum((p * BINS).astype(np.intp), BINS - 1)
        gap = p - pairs.malignant
        sums = np.bincount(place, weights=pairs.weight * gap, minlength=BINS)
        square = sums * sums - _variance_by_bin(pairs, place, gap)
        error = float(np.sqrt(np.maximum(square, 0.0)).sum()) / total
        errors.append(error)
        parts.append(np.where(sums >= 0, 1.0, -1.0)[place] * gap - float(np.abs(sums).sum()) / total)
    influence = pairs.weight * (parts[1] - parts[0]) / total
    return Change(
        champion=errors[0],
        challenger=errors[1],
        change=errors[1] - errors[0],
        se=float(np.sqrt(_variance(influence, pairs.cluster))),
        effective=effective_cases(pairs.weight, pairs.cluster),
    )


def _variance_by_bin(
    pairs: Pairs, place: NDArray[np.intp], gap: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the variance of each bin's weighted sum of gaps; infinite for one cluster alone."""
    mass = np.bincount(place, weights=pairs.weight, minlength=BINS)
    sums = np.bincount(place, weights=pairs.weight * gap, minlength=BINS)
    mean = sums / np.where(mass > 0, mass, 1.0)
    _, cluster = np.unique(pairs.cluster, return_inverse=True)
    cells, cell = np.unique(cluster * BINS + place, return_inverse=True)
    residual = np.bincount(cell, weights=pairs.weight * (gap - mean[place]))
    count = np.bincount(cells % BINS, minlength=BINS)
    squares = np.bincount(cells % BINS, weights=residual * residual, minlength=BINS)
    return np.where(count > 1, squares * count / np.maximum(count - 1, 1), np.inf)


def _flag_change(pairs: Pairs, of: NDArray[np.bool_], *, malignant: bool) -> Change:
    _need(bool(of.any()), "a malignant case" if malignant else "a benign case")
    right = [
        (flags[of] == malignant).astype(np.float64)
        for flags in (pairs.champion_flags, pairs.challenger_flags)
    ]
    found = _mean_change(right[0], right[1], pairs.weight[of], pairs.cluster[of])
    n = found.effective
    variance = (found.se**2 * n**2 + 1.0) / (n + 2.0) ** 2  # Agresti & Min, in effective cases
    return Change(
        champion=found.champion,
        challenger=found.challenger,
        change=found.change,
        se=float(np.sqrt(variance)),
        effective=n,
    )


def _mean_change(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    weight: NDArray[np.float64],
    cluster: NDArray[np.intp],
) -> Change:
    """Return the change of a weighted mean; ratio estimator, since the weights are random, too."""
    _need(len(weight) > 0, "a case")
    total = float(weight.sum())
    means = [float(np.sum(weight * value)) / total for value in (before, after)]
    change = means[1] - means[0]
    influence = weight * (after - before - change) / total
    return Change(
        champion=means[0],
        challenger=means[1],
        change=change,
        se=float(np.sqrt(_variance(influence, cluster))),
        effective=effective_cases(weight, cluster),
    )


def _auc_parts(
    score: NDArray[np.float64], malignant: NDArray[np.bool_], weight: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the area and each case's influence on it."""
    _, place = np.unique(score, return_inverse=True)
    count = int(place.max()) + 1
    inside = [
        np.bincount(place[of], weights=weight[of], minlength=count)
        for of in (malignant, ~malignant)
    ]
    below = [np.cumsum(part) - part / 2 for part in inside]  # ties count half
    whole = [float(part.sum()) for part in inside]
    outranks = np.where(malignant, below[1][place] / whole[1], 1.0 - below[0][place] / whole[0])
    area = float(np.sum(weight[malignant] * outranks[malignant])) / whole[0]
    return area, weight * (outranks - area) / np.where(malignant, whole[0], whole[1])


def _log_loss(p: NDArray[np.float64], malignant: NDArray[np.bool_]) -> NDArray[np.float64]:
    bounded = np.clip(p, _LEAST_P, 1.0 - _LEAST_P)
    return -np.log(np.where(malignant, bounded, 1.0 - bounded))


def _variance(influence: NDArray[np.float64], cluster: NDArray[np.intp]) -> float:
    """Return the variance of Σ influence, with clusters drawn independently."""
    sums = _by_cluster(influence, cluster)
    count = len(sums)
    return float(np.sum(sums * sums)) * count / max(count - 1, 1)


def _by_cluster(value: NDArray[np.float64], cluster: NDArray[np.intp]) -> NDArray[np.float64]:
    _, place = np.unique(cluster, return_inverse=True)
    return np.bincount(place, weights=value)


def _need(there: bool, what: str) -> None:
    if not there:
        raise InvariantError(f"a change needs {what}")
