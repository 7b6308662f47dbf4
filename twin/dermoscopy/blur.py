"""Gaussian blur by short kernels, with exact operations only."""

from functools import lru_cache
from typing import Final

import numpy as np

from twin.dermoscopy.textures import Field

_LEAST: Final = 0.004  # weight of a tap that still counts
_MOST_TAPS: Final = 6  # to each side


def blurred(level: Field, sigma_px: float) -> Field:
    """Return an image (height, width) blurred; the rim is repeated outwards."""
    taps = _kernel(sigma_px)
    reach = len(taps) - 1
    return _along(_along(level, taps, reach, 0), taps, reach, 1)


def _along(level: Field, taps: tuple[float, ...], reach: int, axis: int) -> Field:
    size = level.shape[axis]
    ends = level[:1], level[-1:]
    if axis:
        ends = level[:, :1], level[:, -1:]
    wide = np.concatenate([ends[0]] * reach + [level] + [ends[1]] * reach, axis)

    def moved(by: int) -> Field:
        rows = slice(reach + by, reach + by + size)
        return wide[:, rows] if axis else wide[rows]

    total: Field = taps[0] * level
    pair = np.empty_like(total)
    for away, tap in enumerate(taps[1:], start=1):
        np.add(moved(-away), moved(away), out=pair)
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
