"""Blur of the lens and of the hand, in integer sums, so that any host gives the same pixels."""

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.acquisition.shift import Level, Pixels, Shift
from twin.dermoscopy.textures import EDGE_PX

_PARTS: Final = 16  # of a pixel, in which a disc's edge is counted

Sums = NDArray[np.int32]


def _rounded(sums: Sums, weight: int) -> Pixels:
    """Return sums over their weight, rounded."""
    sums += weight // 2
    mean: Pixels = (sums * np.float64(1 / weight)).astype(np.uint8)
    return mean


@cache
def _half_widths(radius_px: float) -> tuple[int, ...]:
    """Return half of a disc's width, from its middle row outwards, in parts of a pixel.

    It is the mean over the height of a row, so that the disc is as smooth above as at its sides.
    """
    rows = math.ceil(radius_px + 0.5)
    y = np.arange(rows)[:, None] + (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
    half = np.sqrt(np.maximum(radius_px**2 - y**2, 0)).mean(1)
    return tuple(round(_PARTS * float(width)) for width in half)


def _defocus(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:  # noqa: ARG001  nothing about it is random
    radius_px = level["radius_px"]
    half = _half_widths(radius_px)
    reach = len(half) - 1
    padded = np.pad(pixels, ((reach, reach), (reach + 1, reach + 1), (0, 0)), mode="edge")
    running = np.zeros((padded.shape[0], padded.shape[1] + 1, 3), np.int32)
    np.cumsum(padded, axis=1, dtype=np.int32, out=running[:, 1:])
    total = np.zeros((EDGE_PX, EDGE_PX, 3), np.int32)
    weight = 0
    for row, parts in enumerate(half):
        # 8 parts are the half of the middle pixel: what is beyond is whole pixels and a rest.
        whole, rest = divmod(max(parts - _PARTS // 2, 0), _PARTS)
        own = _PARTS if parts >= _PARTS // 2 else 2 * parts
        if own == 0:
            continue
        middle = reach + 1
        if own < _PARTS:
            line = own * padded[:, middle : middle + EDGE_PX].astype(np.int32)
        else:
            left, right = middle - whole, middle + whole + 1
            line = _PARTS * (
                running[:, right : right + EDGE_PX] - running[:, left : left + EDGE_PX]
            )
            if rest:
                ends = padded[:, left - 1 : left - 1 + EDGE_PX].astype(np.int32)
                ends += padded[:, right : right + EDGE_PX]
                line += rest * ends
        width = own + 2 * (whole * _PARTS + rest)
        for offset in {row, -row}:
            total += line[reach + offset : reach + offset + EDGE_PX]
            weight += width
    return _rounded(total, weight)


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
