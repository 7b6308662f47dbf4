"""Gaussian blur by short kernels, with exact operations only."""

from functools import lru_cache
from typing import Final

import numpy as np

from twin.dermoscopy.textures import Field

_LEAST: Final = 0.004  # weight of a tap that still counts
_MOST_TAPS: Final = 6  # to each side


def blurred(levels: Field, sigma_px: float) -> Field:
    """Return images (channels, height, width) blurred; the rim is repeated outwards."""
    return np.stack([_along(_along(level, sigma_px).T, sigma_px).T for level in levels])


def _along(level: Field, sigma_px: float) -> Field:
    """Blur along the first axis."""
    taps = _kernel(sigma_px)
    reach = len(taps) - 1
    rows = len(level)
    wide = np.concatenate([level[:1].repeat(reach, 0), level, level[-1:].repeat(reach, 0)])
    total: Field = taps[0] * wide[reach : reach + rows]
    for away, tap in enumerate(taps[1:], start=1):
        pair = wide[reach - away : reach - away + rows] + wide[reach + away : reach + away + rows]
        pair *= tap
        total += pair
    return total


@lru_cache(maxsize=256)
def _kernel(sigma_px: float) -> tuple[float, ...]:
    """Return the weights of the middle and of each further pair."""
    tap = np.exp(-0.5 * (np.arange(_MOST_TAPS + 1) / max(sigma_px, 0.05)) ** 2)
    tap = tap[tap >= _LEAST]
    # Single precision, as the images are: a maths library's last bit cannot reach a pixel.
    return tuple((tap / (2 * tap.sum() - tap[0])).astype(np.float32).tolist())
