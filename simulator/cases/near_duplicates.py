"""Images that show nearly the same picture, found by comparing small grey thumbnails."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.cases.checksums import Progress

EDGE_PX: Final = 32  # assumption: fine enough for a lesion's outline, too coarse for JPEG noise
# Correlation; assumption. On the paper's 3,297 images it finds 151 pairs, 148 of them among the 159
# of the list that came with them.
ABOVE: Final = 0.97
_BLOCK: Final = 1024  # rows of the matrix of correlations that are in memory at once
_LUMA: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return an image as a vector of mean 0 and length 1; the product of two is their correlation.

    Parameters:
        pixels: uint8 RGB of shape (edge, edge, 3), the edge a multiple of 32.

    An image of one colour has no structure to compare and gives zeros.
    """
    grey = pixels.astype(np.float32) @ np.array(_LUMA, dtype=np.float32)
    cell = grey.shape[0] // EDGE_PX
    small = grey.reshape(EDGE_PX, cell, EDGE_PX, cell).mean(axis=(1, 3)).ravel()
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return small / length if length > 1e-3 else np.zeros_like(small)


def near_pairs(
    thumbnails: NDArray[np.float32], above: float = ABOVE, on_progress: Progress | None = None
) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs whose correlation is above a bound: first place, second place, correlation.

    Parameters:
        thumbnails: float32 of shape (images, 32 * 32), each from `thumbnail`.
        above: the bound.
        on_progress: told of rows that are compared: stage, done, total.

    >>> ramp = np.mgrid[:64, :64].astype(np.uint8)[..., None].repeat(3, axis=3)
    >>> list(near_pairs(np.array([thumbnail(ramp[0]), thumbnail(ramp[1]), thumbnail(ramp[0])])))
    [(0, 2, 1.0)]
    """
    count = len(thumbnails)
    for first in range(0, count, _BLOCK):
        rows = thumbnails[first : first + _BLOCK]
        # A block against itself and all after it: each pair is met once.
        for start in range(first, count, _BLOCK):
            found = rows @ thumbnails[start : start + _BLOCK].T
            for a, b in np.argwhere(found > above):
                if first + a < start + b:
                    yield int(first + a), int(start + b), round(float(found[a, b]), 4)
        if on_progress is not None:
            on_progress("compared", min(first + _BLOCK, count), count)
