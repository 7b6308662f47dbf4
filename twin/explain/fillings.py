"""What stands in an image where something is taken away.

Nothing is neutral: whatever fills a hole is an image of its own to the stack. A blurred copy keeps
colours and takes away structure; the rim's colour takes away both.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.explain.maps import Pixels

_RIM_PX: Final = 16  # width of the rim whose colour is skin, mostly: assumption
_BOX_PX: Final = 12  # half width of a box; three of them blur by a sigma of about 12.5 px


def blurred(pixels: Pixels) -> Pixels:
    """Return the image blurred so far that no structure is left; the rim is repeated outwards.

    Three box filters in a row are close to a Gaussian filter (central limit theorem).
    """
    level = pixels.astype(np.float64)
    for axis in (0, 1):
        for _ in range(3):
            level = _boxed(level, axis)
    return level.round().clip(0, 255).astype(np.uint8)


def rim_colour(pixels: Pixels) -> Pixels:
    """Return an image of one colour, the median of the rim: skin, where the lesion is inside."""
    inner = np.zeros(pixels.shape[:2], bool)
    inner[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX] = True
    colour = np.median(pixels[~inner], axis=0).astype(np.uint8)
    return np.broadcast_to(colour, pixels.shape).copy()


def _boxed(level: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    width = 2 * _BOX_PX + 1
    pad = [(0, 0)] * level.ndim
    pad[axis] = (_BOX_PX + 1, _BOX_PX)
    sums = np.cumsum(np.pad(level, pad, mode="edge"), axis=axis)
    size = level.shape[axis]
    high = np.take(sums, np.arange(width, width + size), axis=axis)
    low = np.take(sums, np.arange(size), axis=axis)
    boxed: NDArray[np.float64] = (high - low) / width
    return boxed
