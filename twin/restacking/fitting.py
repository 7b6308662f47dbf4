"""Fits the meta-learner to training scores and labels together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.l1_logistic import Logistic, fit_l1_logistic, losses_of
from twin.meta import INPUT, MetaStack, MetaWeights
from twin.reference import Reference

# What a training image counts against a label, from equal to nothing, and what the penalty may be:
# chosen by held-out log-loss. Old images must count little once pictures are taken otherwise.
TRUST: Final = (1.0, 0.1, 0.01, 0.0)
PENALTIES: Final = (0.01, 0.003)
FOLDS: Final = 3
DECIMALS: Final = 6
_RIDGE: Final = 1e-4  # of a slope: hardly any

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """What is fitted to: complete rows alone."""

    columns: Floats  # (n, learners + inputs)
    malignant: NDArray[np.bool_]  # (n,)
    weight: Floats  # (n,), mean 1
    image: NDArray[np.intp]  # (n,); pictures are never split between folds

    @property
    def prevalence(self) -> float:
        """Weighted share of malignant labels, drawn a little to one half."""
        count = len(self.malignant)
        share = float(np.sum(self.weight * self.malignant)) / float(self.weight.sum())
        return (share * count + 0.5) / (count + 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refit:
    """A fit of all columns, and how it did on labels that it did not see."""

    logistic: Logistic  # as it came out
    line: Logistic  # intercept and slope that its log-odds follow to fit the labels
    trust: float  # what a training image counted
    penalty: float
    held_out: Floats  # (n,) log-odds of the labels, each from fits without its picture

    @property
    def calibrated(self) -> Logistic:
        """The fit along its line."""
        return along(self.line, self.logistic)


def refit(labels: Labels, reference: Reference) -> Refit:
    """Fit learners and sketch to labels and training images, as much of these as helps.

    Training images steady the weights, but what they say of the probabilities is old: their scores
    are surer than those of pictures that are taken otherwise. So the fit follows a line (Platt
    1999) that is fitted to its held-out answers to the labels alone.
    """
    material = _Material(labels, reference)
    folds = [labels.image % FOLDS == number for number in range(FOLDS)]
    best: Refit | None = None
    least = np.inf
    for trust in TRUST:
        for penalty in PENALTIES:
            held_out = np.empty(len(labels.malignant))
            start: Logistic | None = None
            for unseen in folds:
                start = material.fit(~unseen, trust, penalty, start)
                held_out[unseen] = start.intercept + _dot(labels.columns[unseen], start.weights)
            line, held_out = calibrated(labels, held_out)
            loss = float(np.sum(labels.weight * losses_of(held_out, labels.malignant)))
            if loss < least - 1e-9:
                least = loss
                everything = np.ones(len(labels.malignant), np.bool_)
                fitted = material.fit(everything, trust, penalty, start)
                best = Refit(
                    logistic=fitted, line=line, trust=trust, penalty=penalty, held_out=held_out
                )
    assert best is not None  # some loss is finite
    return best


def all_masks(
    labels: Labels, reference: Reference, found: Refit, learners: Sequence[str]
) -> MetaStack:
    """Fit the stacks for every set of learners; the sketch is always there."""
    count, width = len(learners), labels.columns.shape[1]
    inputs = tuple(f"{INPUT}{place}" for place in range(width - count))
    everything = np.ones(len(labels.malignant), np.bool_)
    stacks = {}
    for size in range(count, 0, -1):
        for chosen in combinations(range(count), size):
            columns = [*chosen, *range(count, width)]
            material = _Material(labels, reference, columns)
            begin = Logistic(found.logistic.intercept, found.logistic.weights[columns])
            fitted = (
                found.logistic
                if size == count
                else material.fit(everything, found.trust, found.penalty, begin)
            )
            fitted = along(found.line, fitted)
            names = (*(learners[place] for place in chosen), *inputs)
            rounded = [round(float(weight), DECIMALS) for weight in fitted.weights]
            stacks[tuple(learners[place] for place in chosen)] = MetaWeights(
                intercept=round(fitted.intercept, DECIMALS),
                weights=dict(zip(names, rounded, strict=True)),
            )
    return MetaStack(learners=tuple(learners), penalty=found.penalty, stacks=stacks, inputs=inputs)


def calibrated(labels: Labels, log_odds: Floats) -> tuple[Logistic, Floats]:
    """Return intercept and slope, and held-out log-odds of a fit without each picture."""
    crossed = np.empty(len(log_odds))
    for number in range(FOLDS):
        unseen = labels.image % FOLDS == number
        line = _line(labels, log_odds, ~unseen)
        crossed[unseen] = line.intercept + line.weights[0] * log_odds[unseen]
    return _line(labels, log_odds, np.ones(len(log_odds), np.bool_)), crossed


def along(line: Logistic, fitted: Logistic) -> Logistic:
    """Return a fit whose log-odds follow a line."""
    slope = float(line.weights[0])
    return Logistic(line.intercept + slope * fitted.intercept, slope * fitted.weights)


def _line(labels: Labels, log_odds: Floats, rows: NDArray[np.bool_]) -> Logistic:
    return fit_l1_logistic(
        log_odds[rows, None], labels.malignant[rows], _RIDGE, sample_weight=labels.weight[rows]
    )


class _Material:
    """Training images and labels as rows of one fit."""

    def __init__(
        self, labels: Labels, reference: Reference, columns: Sequence[int] | None = None
    ) -> None:
        width = labels.columns.shape[1] - reference.log_odds.shape[1]
        old = np.concatenate([reference.log_odds, reference.sketch[:, :width]], axis=1)
        chosen = list(range(old.shape[1])) if columns is None else list(columns)
        self._old, self._new = old[:, chosen], labels.columns[:, chosen]
        self._labels, self._reference = labels, reference

    def fit(
        self, rows: NDArray[np.bool_], trust: float, penalty: float, start: Logistic | None
    ) -> Logistic:
        labels, reference = self._labels, self._reference
        if trust == 0.0:
            return fit_l1_logistic(
                self._new[rows],
                labels.malignant[rows],
                penalty,
                sample_weight=labels.weight[rows],
                start=start,
            )
        # As rare among the training images as in the clinic, or they would move the intercept.
        share = float(reference.malignant.mean())
        wanted = labels.prevalence
        old = trust * np.where(reference.malignant, wanted / share, (1.0 - wanted) / (1.0 - share))
        return fit_l1_logistic(
            np.concatenate([self._new[rows], self._old]),
            np.concatenate([labels.malignant[rows], reference.malignant]),
            penalty,
            sample_weight=np.concatenate([labels.weight[rows], old]),
            start=start,
        )


def _dot(columns: Floats, weights: Floats) -> Floats:
    return np.asarray(np.einsum("ij,j->i", columns, weights))
