"""Blur of the lens and of the hand, in integer sums, so that any host gives the same pixels."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.acquisition.shift import Level, Pixels, Shift
from twin.dermoscopy.textures import EDGE_PX

# Of a pixel, in which a disc's edge is weighed: a row of a disc up to 16 pixels wide then fits
# into 16 bits, and sums of 16 bits take half the time.
_PARTS: Final = 16
_RASTER: Final = 16  # points a pixel, in each direction

Sums = NDArray[np.uint32]
Row = NDArray[np.uint16]


def _rounded(sums: Sums, weight: int) -> Pixels:
    """Return sums over their weight, rounded."""
    mean: Pixels = ((sums + np.uint32(weight // 2)) // np.uint32(weight)).astype(np.uint8)
    return mean


@cache
def _disc(radius_px: float) -> tuple[tuple[int, ...], ...]:
    """Return how much of each pixel a disc covers, in parts, for one quarter: rows of columns.

    Covered shares are counted on a raster of 16 x 16 points a pixel, alike in both directions.
    """
    edge = math.ceil(radius_px + 0.5)
    raster = (np.arange(edge * _RASTER) + 0.5) / _RASTER - 0.5
    inside = raster[:, None] ** 2 + raster**2 <= radius_px**2
    share = inside.reshape(edge, _RASTER, edge, _RASTER).mean((1, 3))
    return tuple(tuple(round(_PARTS * float(one)) for one in row) for row in share)


def _defocus(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:  # noqa: ARG001  nothing about it is random
    disc = _disc(level["radius_px"])
    reach = len(disc) - 1
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge").astype(np.uint16)
    # Sums that do not fit begin again from 0; their differences are right all the same.
    running = np.zeros((padded.shape[0], padded.shape[1] + 1, 3), np.uint16)
    np.cumsum(padded, axis=1, dtype=np.uint16, out=running[:, 1:])
    line = np.empty((len(padded), EDGE_PX, 3), np.uint16)
    spare = np.empty_like(line)
    total = np.zeros((EDGE_PX, EDGE_PX, 3), np.uint32)
    for row, parts in enumerate(disc):
        _sum_along(padded, running, parts, line, spare)
        for offset in {row, -row}:
            total += line[reach + offset : reach + offset + EDGE_PX]
    return _rounded(total, _whole([_whole(parts) for parts in disc]))


def _whole(half: Sequence[int]) -> int:
    """Return the sum over a row of which the middle and one half are given."""
    return 2 * sum(half) - half[0]


def _sum_along(padded: Row, running: Row, parts: Sequence[int], line: Row, spare: Row) -> None:
    """Set `line` to sums along x, weighted with one row of a disc; `spare` is overwritten."""
    reach = (padded.shape[1] - EDGE_PX) // 2
    whole = next((x for x, part in enumerate(parts) if part < _PARTS), len(parts))

    def at(sums: Row, x: int) -> Row:
        return sums[:, reach + x : reach + x + EDGE_PX]

    if whole:  # pixels that the disc covers wholly, in one difference
        np.subtract(at(running, whole), at(running, 1 - whole), out=line)
        np.multiply(line, np.uint16(_PARTS), out=line)
    else:
        np.multiply(at(padded, 0), np.uint16(parts[0]), out=line)
    for x, part in enumerate(parts):
        if x >= max(whole, 1) and part:
            np.add(at(padded, x), at(padded, -x), out=spare)
            np.multiply(spare, np.uint16(part), out=spare)
            np.add(line, spare, out=line)


DEFOCUS: Final = Shift(
    name="defocus",
    about="The lens is out of focus: each point becomes a disc.",
    levels={"radius_px": (0.65, 0.8, 1.2, 2.4, 4.5)},
    source="discs as in ImageNet-C (Hendrycks & Dietterich 2019, arXiv:1903.12261); radii: "
    "assumption",
    change=_defocus,
)


def _motion(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:
    angle = stream.uniform(0, math.pi)
    taps = round(level["length_px"])
    reach = taps // 2 + 1
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    total = np.zeros((EDGE_PX, EDGE_PX, 3), np.uint32)
    for tap in range(taps):
        away = tap - (taps - 1) / 2
        right = reach + math.floor(away * math.cos(angle) + 0.5)
        down = reach + math.floor(away * math.sin(angle) + 0.5)
        total += padded[down : down + EDGE_PX, right : right + EDGE_PX]
    return _rounded(total, taps)


MOTION: Final = Shift(
    name="motion",
    about="The hand moves while the shutter is open: each point becomes a line.",
    levels={"length_px": (3, 5, 9, 13, 19)},
    source="lines as in ImageNet-C (arXiv:1903.12261); lengths: assumption",
    change=_motion,
)
