"""The large remedy: the L1 meta-learner fitted again, on labels and on what training knew.

How much the training rows count, how large the penalty is, and whether the sketch's columns are
weighed beside the learners is chosen by cross-validated weighted log-loss, one after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.l1_logistic import Logistic, losses_of
from twin.l1_weighted import WeightedL1
from twin.meta import INPUT, MetaStack, MetaWeights
from twin.restacking.rows import FOLDS, Rows, with_reference

WEIGHTS: Final = (1.0, 0.3, 0.1, 0.03, 0.01, 0.0)  # of a training row against a label
_FIRST_PENALTY: Final = 0.003
PENALTIES: Final = (0.001, 0.003, 0.01, 0.03)
_ROUGH: Final = 1e-6  # nats that cross-validation and stacks for missing learners may forgo
_DECIMALS: Final = 6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a stack is fitted again."""

    reference_weight: float
    penalty: float
    columns: int  # learners, or learners and the sketch


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The best recipe and its held-out answers."""

    recipe: Recipe
    log_odds: Floats  # (n,), of each row from a fit that did not see its fold


def choose_recipe(
    rows: Rows, fold: NDArray[np.intp], reference: Rows, learners: int
) -> Choice | None:
    """Return the recipe with the least held-out loss; None if a fold leaves one class alone.

    Parameters:
        rows: the window's; columns are learners, then the sketch's if every row has it.
        fold: each row's.
        reference: the training rows, with the same columns.
        learners: how many of the columns are learners.
    """
    if any(rows.y[fold != one].all() or not rows.y[fold != one].any() for one in range(FOLDS)):
        return None
    tried: list[tuple[float, Choice]] = []
    for columns in sorted({learners, rows.z.shape[1]}):
        trial = _Trial(rows.columns(columns), fold, reference.columns(columns))
        by_weight = [trial.run(Recipe(weight, _FIRST_PENALTY, columns)) for weight in WEIGHTS]
        weight = min(by_weight, key=lambda one: one[0])[1].recipe.reference_weight
        by_penalty = [
            trial.run(Recipe(weight, penalty, columns))
            for penalty in PENALTIES
            if penalty != _FIRST_PENALTY
        ]
        tried += by_weight + by_penalty
    return min(tried, key=lambda one: one[0])[1]


class Refit:
    """A stack fitted again by a recipe, rounded as events hold it.

    Parameters:
        rows: labels; columns are learners, then those of the sketch.
        reference: the training rows, with the same columns.
        recipe: from `choose_recipe`.
        learners: names of the first columns.
    """

    def __init__(
        self, rows: Rows, reference: Rows, recipe: Recipe, learners: tuple[str, ...]
    ) -> None:
        self._pooled = with_reference(
            rows.columns(recipe.columns), reference.columns(recipe.columns), recipe.reference_weight
        )
        self._recipe, self._learners = recipe, learners
        self._inputs = tuple(f"{INPUT}{place}" for place in range(recipe.columns - len(learners)))
        self._fit = WeightedL1(self._pooled.z, self._pooled.y, self._pooled.weight)
        self._fitted = self._fit.fit(recipe.penalty)

    @property
    def full(self) -> MetaStack:
        """The stack for all learners alone."""
        found = _named(self._fitted, (*self._learners, *self._inputs))
        return self._rounded({self._learners: found})

    def all_masks(self) -> MetaStack:
        """Fit the stacks for every set of learners; the sketch is always there."""
        count, penalty = len(self._learners), self._recipe.penalty
        always = list(range(count, count + len(self._inputs)))
        sets = [
            [*chosen, *always]
            for size in range(count - 1, 0, -1)
            for chosen in combinations(range(count), size)
        ]
        found = {}
        starts = self._fit.starts(self._fitted, sets, penalty)
        for columns, start in zip(sets, starts, strict=True):
            rows = self._pooled
            fit = WeightedL1(rows.z[:, columns], rows.y, rows.weight)
            fitted = fit.fit(penalty, start, _ROUGH)
            there = tuple(self._learners[place] for place in columns if place < count)
            found[there] = _named(fitted, (*there, *self._inputs))
        # What was judged is what is promoted: the same bits.
        return self._rounded({**self.full.stacks, **found})

    def _rounded(self, stacks: Mapping[tuple[str, ...], MetaWeights]) -> MetaStack:
        return MetaStack(
            learners=self._learners,
            penalty=self._recipe.penalty,
            stacks={there: _rounded(one) for there, one in stacks.items()},
            inputs=self._inputs,
        )


def _named(fitted: Logistic, columns: tuple[str, ...]) -> MetaWeights:
    weights = dict(zip(columns, fitted.weights.tolist(), strict=True))
    return MetaWeights(intercept=fitted.intercept, weights=weights)


def _rounded(found: MetaWeights) -> MetaWeights:
    weights = {name: round(weight, _DECIMALS) + 0.0 for name, weight in found.weights.items()}
    return MetaWeights(intercept=round(found.intercept, _DECIMALS) + 0.0, weights=weights)


class _Trial:
    """Cross-validates recipes on one set of columns; each fit begins where the last one ended."""

    def __init__(self, rows: Rows, fold: NDArray[np.intp], reference: Rows) -> None:
        self._rows, self._fold, self._reference = rows, fold, reference
        self._starts: dict[int, Logistic] = {}

    def run(self, recipe: Recipe) -> tuple[float, Choice]:
        """Return the weighted held-out log-loss with the answers that it is of."""
        answer = np.empty(len(self._rows))
        for one in range(FOLDS):
            unseen = self._fold == one
            if not unseen.any():
                continue
            seen = with_reference(
                self._rows.take(~unseen), self._reference, recipe.reference_weight
            )
            fit = WeightedL1(seen.z, seen.y, seen.weight)
            fitted = fit.fit(recipe.penalty, self._starts.get(one), _ROUGH)
            self._starts[one] = fitted
            answer[unseen] = fitted.intercept + np.einsum(
                "ij,j->i", self._rows.z[unseen], fitted.weights
            )
        weight = self._rows.weight
        loss = float((weight * losses_of(answer, self._rows.y)).sum() / weight.sum())
        return round(loss, 9), Choice(recipe, answer)
