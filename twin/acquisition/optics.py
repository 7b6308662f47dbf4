"""Blur of the lens and of the hand, in integer sums, so that any host gives the same pixels."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.acquisition.shift import Level, Pixels, Shift
from twin.dermoscopy.textures import EDGE_PX

_PARTS: Final = 64  # of a pixel, in which a disc's edge is weighed
_RASTER: Final = 16  # points a pixel, in each direction

Sums = NDArray[np.int32]


def _rounded(sums: Sums, weight: int) -> Pixels:
    """Return sums over their weight, rounded."""
    sums += weight // 2
    mean: Pixels = (sums * np.float64(1 / weight)).astype(np.uint8)
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
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge").astype(np.int32)
    running = np.zeros((padded.shape[0], padded.shape[1] + 1, 3), np.int32)
    np.cumsum(padded, axis=1, out=running[:, 1:])
    total = np.zeros((EDGE_PX, EDGE_PX, 3), np.int32)
    for row, parts in enumerate(disc):
        line = _line(padded, running, parts, reach)
        for offset in {row, -row}:
            total += line[reach + offset : reach + offset + EDGE_PX]
    return _rounded(total, _whole([_whole(parts) for parts in disc]))


def _whole(half: Sequence[int]) -> int:
    """Return the sum over a row of which the middle and one half are given."""
    return 2 * sum(half) - half[0]


def _line(padded: Sums, running: Sums, parts: Sequence[int], reach: int) -> Sums:
    """Return sums along x, weighted with one row of a disc, shape (rows, 224, 3)."""
    whole = next((x for x, part in enumerate(parts) if part < _PARTS), len(parts))

    def at(sums: Sums, x: int) -> Sums:
        return sums[:, reach + x : reach + x + EDGE_PX]

    line: Sums = np.zeros((len(padded), EDGE_PX, 3), np.int32)
    if whole:  # pixels that the disc covers wholly, in one difference
        line += _PARTS * (at(running, whole) - at(running, 1 - whole))
    for x, part in enumerate(parts[whole:], start=whole):
        if part:
            line += part * (at(padded, x) + at(padded, -x) if x else at(padded, 0))
    return line


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
    total = np.zeros((EDGE_PX, EDGE_PX, 3), np.int32)
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
