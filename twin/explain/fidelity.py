"""How well a surrogate stands for the stack: on images that it was not fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.meta import INPUT, MetaWeights

# Below it, a surrogate's maps are marked: it would order too many pairs of images another way
# round than the stack does. Assumption; one in ten pairs at about 0.95.
LEAST_RANK_CORRELATION: Final = 0.9
_DECIMALS: Final = 6

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Agreement of a surrogate's log-odds with the stack's."""

    rank_correlation: float  # Spearman's, from -1 to 1
    r2: float  # share of the variance of the stack's log-odds that the surrogate explains
    images: int  # that both were compared on

    @property
    def is_low(self) -> bool:
        """Whether maps of this surrogate must be marked."""
        return self.rank_correlation < LEAST_RANK_CORRELATION


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """What a surrogate and its learners said of images that neither was fitted to."""

    surrogate: NDArray[np.float64]  # (images, learners), log-odds in nats
    learners: NDArray[np.float64]  # the same of the learners themselves
    sketch: NDArray[np.float64]  # (images, columns), which both have in common

    def fidelity(self, names: Sequence[str], stack: MetaWeights) -> Fidelity:
        """Return the agreement on the log-odds of one stack.

        Parameters:
            names: of the learners, in the order of columns.
            stack: weights of the learners that are there, and of the sketch if any.
        """
        by_learner = np.array([stack.weights.get(name, 0.0) for name in names])
        columns = range(self.sketch.shape[1])
        by_column = np.array([stack.weights.get(f"{INPUT}{column}", 0.0) for column in columns])
        common = self.sketch @ by_column
        return fidelity_of(
            self.surrogate @ by_learner + common, self.learners @ by_learner + common
        )


def fidelity_of(surrogate: Scores, stack: Scores) -> Fidelity:
    """Compare log-odds of the same images, shape (n,).

    Where all answers are the same there is nothing to explain, and both figures are 0.

    Raises:
        InvariantError: fewer than two images, or lengths differ.

    >>> fidelity_of(np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 2.0])).rank_correlation
    1.0
    """
    if len(surrogate) != len(stack) or len(stack) < 2:
        raise InvariantError(f"cannot compare {len(surrogate)} answers with {len(stack)}")
    variance = float(np.mean((stack - stack.mean()) ** 2))
    r2 = 1.0 - float(np.mean((surrogate - stack) ** 2)) / variance if variance > 0 else 0.0
    return Fidelity(
        rank_correlation=round(_correlation(_ranks(surrogate), _ranks(stack)), _DECIMALS),
        r2=round(r2, _DECIMALS),
        images=len(stack),
    )


def _ranks(scores: Scores) -> Scores:
    """Return mid-ranks from 1: equal scores share one."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    ranks: Scores = middle[place]
    return ranks


def _correlation(one: Scores, other: Scores) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale > 0 else 0.0
