"""By how much a challenger differs from a champion, and how sure that is.

Both answered the same cases, so the change is estimated case by case (paired). Cases are weighted
by the inverse of their verification probability (Hájek's ratio estimator), and patients with one
picture are one cluster. Standard errors come from influence functions, summed within clusters:
closed forms, so ten thousand labels take milliseconds where a bootstrap would take a minute.

A sample without a single case on which the two disagree does not prove that they are equal:
pseudo-observations are added to the variance (Agresti & Min 2005, "Simple improved confidence
intervals for comparing matched proportions", section 3: half a case in each of the four cells).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.restacking.calibration_curve import LEAST_P, calibration_of
from twin.restacking.clusters import effective_cases, variance_of_sum


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
    effective: (
        float  # independent cases of equal weight that tell as much (Kish); of the rarer class
    )

    def low(self, z: float) -> float:
        """Return the lower one-sided bound, z standard errors down."""
        return self.change - z * self.se

    def high(self, z: float) -> float:
        """Return the upper one-sided bound."""
        return self.change + z * self.se


def sensitivity_change(pairs: Pairs) -> Change:
    """Return the change of the share of malignant cases that is called malignant."""
    return _flag_change(pairs, pairs.malignant, malignant=True)


def specificity_change(pairs: Pairs) -> Change:
    """Return the change of the share of benign cases that is not called malignant."""
    return _flag_change(pairs, ~pairs.malignant, malignant=False)


def log_loss_change(pairs: Pairs) -> Change:
    """Return the change of the mean log-loss, in nats; negative is better."""
    losses = [_log_loss(p, pairs.malignant) for p in (pairs.champion, pairs.challenger)]
    found = _mean_change(losses[0], losses[1], pairs.weight, pairs.cluster)
    return replace(found, effective=_rarer(pairs))


def auc_change(pairs: Pairs) -> Change:
    """Return the change of the area under the ROC curve, weighted, ties counting half.

    Structural components of DeLong, DeLong & Clarke-Pearson 1988, "Comparing the areas under two
    or more correlated receiver operating characteristic curves", equations 3 to 6, with weights
    in place of counts and summed within clusters (Obuchowski 1997, section 2).

    Raises:
        InvariantError: one of the classes is absent.
    """
    _need(0 < int(pairs.malignant.sum()) < len(pairs), "both classes")
    before, part_before = _auc_parts(pairs.champion, pairs.malignant, pairs.weight)
    after, part_after = _auc_parts(pairs.challenger, pairs.malignant, pairs.weight)
    variance = variance_of_sum(part_after - part_before, pairs.cluster)
    return Change(
        champion=before,
        challenger=after,
        change=after - before,
        se=float(np.sqrt(variance)),
        effective=_rarer(pairs),
    )


def calibration_change(pairs: Pairs) -> Change:
    """Return the change of the error of a calibration curve (twin/restacking/calibration_curve.py).

    An error of nothing but chance remains in both sides, about √(0.2 / n); the change is that much
    too small where one side is without error.
    """
    _need(len(pairs) > 0, "a case")
    before, after = (
        calibration_of(p, pairs.malignant, pairs.weight, pairs.cluster)
        for p in (pairs.champion, pairs.challenger)
    )
    variance = variance_of_sum(after.influence - before.influence, pairs.cluster)
    variance += before.doubt + after.doubt
    return Change(
        champion=before.value,
        challenger=after.value,
        change=after.value - before.value,
        se=float(np.sqrt(variance)),
        effective=_rarer(pairs),
    )


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
        se=float(np.sqrt(variance_of_sum(influence, cluster))),
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
    bounded = np.clip(p, LEAST_P, 1.0 - LEAST_P)
    return -np.log(np.where(malignant, bounded, 1.0 - bounded))


def _rarer(pairs: Pairs) -> float:
    """Return the effective cases of the class that has fewer."""
    return min(
        effective_cases(pairs.weight[of], pairs.cluster[of])
        for of in (pairs.malignant, ~pairs.malignant)
    )


def _need(there: bool, what: str) -> None:
    if not there:
        raise InvariantError(f"a change needs {what}")
