"""How much a map changes when the image hardly does.

C.-K. Yeh et al. (2019), On the (in)fidelity and sensitivity of explanations, NeurIPS: the relative
change of the map in the L2 norm, greatest and mean over small random changes of the image. Zero is
a map that does not move; from one on, the change is as large as the map.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.explain.maps import Map, Pixels

NOISE_LEVELS: Final = 2  # of 255 grey levels, up and down: nobody sees it
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Relative change of a map under small changes of its image."""

    greatest: float
    mean: float


def sensitivity(
    pixels: Pixels, explain: Callable[[Pixels], Map], *, seed: int, rounds: int = _ROUNDS
) -> Sensitivity:
    """Return how far a map moves under uniform noise of ±2 grey levels.

    Parameters:
        pixels: the image, shape (224, 224, 3).
        explain: makes the map of an image.
        seed: of the noise.
        rounds: noisy copies.
    """
    stream = np.random.default_rng(seed)
    before = _raw(explain(pixels))
    size = float(np.linalg.norm(before)) or 1.0  # a flat map that stays flat has not moved
    changes = []
    for _ in range(rounds):
        noise = stream.integers(-NOISE_LEVELS, NOISE_LEVELS, pixels.shape, endpoint=True)
        noisy = (pixels.astype(np.int64) + noise).clip(0, 255).astype(np.uint8)
        changes.append(float(np.linalg.norm(_raw(explain(noisy)) - before)) / size)
    return Sensitivity(greatest=max(changes), mean=float(np.mean(changes)))


def _raw(found: Map) -> NDArray[np.float64]:
    return found.low + found.values.astype(np.float64) * (found.high - found.low)
