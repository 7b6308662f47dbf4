"""RISE: which regions the log-odds need, from images with a random half taken away.

V. Petsiuk, A. Das, K. Saenko (2018), RISE: randomized input sampling for explanation of black-box
models, BMVC. Occlusion asks what one patch is worth while all the rest is there; this asks on
average over what else may be missing, so patches that stand in for each other share their worth.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.explain.maps import EDGE_PX, Pixels, Score

MASKS: Final = 500  # half of them drawn, each with its opposite
_CELL_PX: Final = 32  # as wide as occlusion's patches
_AT_ONCE: Final = 64
_SEED: Final = 0  # the same masks for every image, so that maps can be compared


def rise(
    pixels: Pixels, score: Score, filling: Pixels, *, masks: int = MASKS
) -> NDArray[np.float64]:
    """Return mean log-odds with a pixel less those without it, shape (224, 224), in nats.

    Each mask comes with its opposite, which halves what chance adds to the difference.

    Parameters:
        score: of a batch of images.
        filling: what stands where pixels are taken away.
        masks: images that are scored; even.
    """
    kept = _masks(masks // 2)
    told = np.empty(len(kept))
    for first in range(0, len(kept), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        told[rows] = score(np.where(kept[rows, ..., None], pixels, filling))
    with_it, without = kept.astype(np.float32), (~kept).astype(np.float32)
    return _mean(told, with_it) - _mean(told, without)


def _mean(told: NDArray[np.float64], chosen: NDArray[np.float32]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.tensordot(told, chosen, 1) / chosen.sum(0)
    return total


def _masks(pairs: int) -> NDArray[np.bool_]:
    """Return masks of square cells on a grid that lies anew each time, and their opposites."""
    draws = np.random.default_rng(_SEED)
    side = EDGE_PX // _CELL_PX + 1
    drawn = np.empty((pairs, EDGE_PX, EDGE_PX), bool)
    for mask in drawn:
        cells = np.kron(draws.random((side, side)) < 0.5, np.ones((_CELL_PX, _CELL_PX), bool))
        top, left = draws.integers(0, _CELL_PX, 2)
        mask[:] = cells[top : top + EDGE_PX, left : left + EDGE_PX]
    return np.concatenate([drawn, ~drawn])
