"""Whether a map points at what the stack looks at: deletion, insertion, against random maps.

V. Petsiuk, A. Das, K. Saenko (2018), RISE: randomized input sampling for explanation of black-box
models, BMVC. Deletion takes the most important pixels away first: a good map makes the log-odds
fall soon, so a small area is good. Insertion puts them into the filling first: a large area is
good. Areas are mean log-odds in nats, not probabilities: those hardly move where a case is clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.explain.maps import EDGE_PX, Map, Pixels, Score
from twin.explain.random_maps import random_maps

STEPS: Final = 14  # of each curve: one takes 7 % of the pixels
RANDOM_MAPS: Final = 5
_TIES: Final = 8  # px: pixels of equal importance go by blocks of this width, not by the row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Faithfulness:
    """What the stack says while pixels go, and while they come; log-odds in nats."""

    deletion: NDArray[np.float64]  # (steps + 1,): nothing taken away first, all of it last
    insertion: NDArray[np.float64]  # (steps + 1,): the filling first, the image last
    random_deletion: NDArray[np.float64]  # (random maps, steps + 1)
    random_insertion: NDArray[np.float64]  # (random maps, steps + 1)

    @property
    def deletion_area(self) -> float:
        """Mean log-odds while pixels go: small is good."""
        return area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Mean log-odds while pixels come: large is good."""
        return area(self.insertion)

    @property
    def random_deletion_area(self) -> float:
        """Mean over the random maps."""
        return float(np.mean([area(curve) for curve in self.random_deletion]))

    @property
    def random_insertion_area(self) -> float:
        """Mean over the random maps."""
        return float(np.mean([area(curve) for curve in self.random_insertion]))

    @property
    def deletion_beats_random(self) -> bool:
        """Whether the log-odds fall sooner than they do on average with random maps."""
        return self.deletion_area < self.random_deletion_area

    @property
    def insertion_beats_random(self) -> bool:
        """Whether the log-odds come back sooner than they do on average with random maps."""
        return self.insertion_area > self.random_insertion_area


def area(curve: NDArray[np.float64]) -> float:
    """Return the mean height of a curve with even steps (trapezoidal rule).

    >>> area(np.array([2.0, 1.0, 0.0]))
    1.0
    """
    return float((curve[1:] + curve[:-1]).mean() / 2)


def faithfulness(
    pixels: Pixels,
    found: Map,
    score: Score,
    filling: Pixels,
    *,
    seed: int,
    steps: int = STEPS,
    count: int = RANDOM_MAPS,
) -> Faithfulness:
    """Return the curves of a map and of random maps that are as smooth as it is.

    Parameters:
        pixels: the image that the map is of, shape (224, 224, 3).
        score: of a batch of images; asked once for each of the maps.
        filling: what stands where pixels are taken away.
        seed: of the random maps.
        steps: of each curve.
        count: random maps.
    """
    deletion, insertion = curves(pixels, found.values, score, filling, steps=steps, seed=seed)
    random = [
        curves(pixels, one, score, filling, steps=steps, seed=seed)
        for one in random_maps(found.values, count, seed)
    ]
    return Faithfulness(
        deletion=deletion,
        insertion=insertion,
        random_deletion=np.array([one for one, _ in random]),
        random_insertion=np.array([one for _, one in random]),
    )


def curves(
    pixels: Pixels,
    importance: NDArray[np.floating],
    score: Score,
    filling: Pixels,
    *,
    steps: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the log-odds while pixels go and while they come, shape (steps + 1,) each.

    Parameters:
        importance: shape (224, 224); the greatest go, and come, first.
        seed: of the order of pixels that are equally important.
    """
    rank = _ranks(importance, seed)
    cuts = np.arange(1, steps) * (rank.size / steps)
    taken = [(rank < cut)[..., None] for cut in cuts]  # the most important so many
    batch = [pixels, filling]
    batch += [np.where(mask, filling, pixels) for mask in taken]
    batch += [np.where(mask, pixels, filling) for mask in taken]
    whole, empty, *inner = score(np.stack(batch)).tolist()
    going, coming = _halves(inner)
    return np.array([whole, *going, empty]), np.array([empty, *coming, whole])


def _ranks(importance: NDArray[np.floating], seed: int) -> NDArray[np.intp]:
    """Return each pixel's place, 0 the most important; ties go in blocks, in a random order."""
    side = EDGE_PX // _TIES
    blocks = np.random.default_rng([seed, 1]).permutation(side * side).reshape(side, side)
    ties = np.kron(blocks, np.ones((_TIES, _TIES), np.intp))
    order = np.lexsort((ties.ravel(), -importance.ravel()))
    rank = np.empty(order.size, np.intp)
    rank[order] = np.arange(order.size)
    return rank.reshape(importance.shape)


def _halves(values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    return values[: len(values) // 2], values[len(values) // 2 :]
