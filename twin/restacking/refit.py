"""A stack fitted again by a recipe: the same for every set of learners."""

from collections.abc import Mapping
from itertools import combinations

from twin.l1_logistic import Logistic
from twin.l1_weighted import WeightedL1
from twin.meta import INPUT, MetaStack, MetaWeights
from twin.restacking.restack import ROUGH, Choice
from twin.restacking.rows import Rows, with_reference


class Refit:
    """A stack fitted again by a recipe, rounded as events hold it.

    Parameters:
        rows: labels; columns are learners, then those of the sketch.
        reference: the training rows, with the same columns.
        choice: from `choose_recipe`: the recipe, and the line that its held-out answers need.
        learners: names of the first columns.
    """

    def __init__(
        self, rows: Rows, reference: Rows, choice: Choice, learners: tuple[str, ...]
    ) -> None:
        recipe = choice.recipe
        window = rows.columns(recipe.columns).at(reference.prevalence)
        self._pooled = with_reference(
            window, reference.columns(recipe.columns), recipe.reference_weight
        )
        self._recipe, self._line, self._learners = recipe, choice.line, learners
        self._inputs = tuple(f"{INPUT}{place}" for place in range(recipe.columns - len(learners)))
        self._fit = WeightedL1(self._pooled.z, self._pooled.y, self._pooled.weight)
        self._fitted = self._fit.fit(recipe.penalty)

    @property
    def full(self) -> MetaStack:
        """The stack for all learners alone."""
        return self._whole({self._learners: self._named_full()})

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
            fitted = fit.fit(penalty, start, ROUGH)
            there = tuple(self._learners[place] for place in columns if place < count)
            found[there] = _named(fitted, (*there, *self._inputs))
        # What was judged is what is promoted: the same bits.
        return self._whole({self._learners: self._named_full(), **found})

    def _named_full(self) -> MetaWeights:
        return _named(self._fitted, (*self._learners, *self._inputs))

    def _whole(self, stacks: Mapping[tuple[str, ...], MetaWeights]) -> MetaStack:
        found = MetaStack(
            learners=self._learners,
            penalty=self._recipe.penalty,
            stacks=stacks,
            inputs=self._inputs,
        )
        return self._line.moved(found)


def _named(fitted: Logistic, columns: tuple[str, ...]) -> MetaWeights:
    weights = dict(zip(columns, fitted.weights.tolist(), strict=True))
    return MetaWeights(intercept=fitted.intercept, weights=weights)
