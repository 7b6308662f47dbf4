"""Textures that the renderer is made of: smooth noise, waves, steps, over one fixed grid.

Full fields see exact operations only (sums, products, roots, tables) in float32; what maths
libraries round differently is done in float64 first, so that any host gives the same pixels.

Arithmetic is in place where it can be: memory for a new field takes longer to get than its
numbers take to compute.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

EDGE_PX: Final = 224  # the paper's input size
# One number per pixel, float32 of shape (224, 224) unless said otherwise. NumPy's stubs lose
# track of float32 in sums with Python's numbers, so the type says floating.
Field = NDArray[np.floating]


def smoothstep(x: Field) -> Field:
    """Return 0 below 0, 1 above 1, and a smooth rise between."""
    t: Field = x.clip(0, 1)
    factor = -2 * t
    factor += 3
    t *= t
    t *= factor
    return t


@cache
def grid() -> tuple[Field, Field]:
    """Return x to the right and y down of every pixel's centre, from -1 to 1."""
    axis = ((np.arange(EDGE_PX) + 0.5) / (EDGE_PX / 2) - 1).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    x.flags.writeable = y.flags.writeable = False  # shared by all who ask
    return x, y


_HALF_PX: Final = EDGE_PX // 2


@cache
def _spline(cells: int) -> NDArray[np.float64]:
    """Return the cubic B-spline basis of `cells` intervals over the edge, (114, cells + 5).

    There is a row for each two pixels, and one beyond each end, as `_finer` needs them.
    """
    place = (np.arange(-1, _HALF_PX + 1) + 0.5) * cells / _HALF_PX + 1
    knot = place.astype(int)
    t = place - knot
    basis = np.zeros((len(place), cells + 5))
    rows = np.arange(len(place))
    for offset, weight in enumerate(
        ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    ):
        basis[rows, knot + offset] = weight / 6
    # 151/315 is the mean square of a cubic B-spline's weights: a field then has variance 1.
    basis /= np.sqrt(151 / 315)
    return basis


@cache
def _splines(cells: tuple[int, ...]) -> NDArray[np.float64]:
    return np.concatenate([_spline(each) for each in cells], axis=1)


def noise(stream: np.random.Generator, cells: int) -> Field:
    """Return smooth noise, mean 0 and variance 1, with up to 28 bumps along an edge."""
    return octaves(stream, (cells,), (1.0,))


def octaves(
    stream: np.random.Generator, cells: tuple[int, ...], weights: tuple[float, ...]
) -> Field:
    """Return a weighted sum of smooth noises: its variance is the sum of the squared weights.

    For up to 28 cells: it is worked out for every second pixel. Finer noise is `fractal`'s.
    """
    # Two products for all of them: the sum runs within the second one.
    rows = [
        (weight * stream.standard_normal((count + 5, count + 5))) @ _spline(count).T
        for count, weight in zip(cells, weights, strict=True)
    ]
    half = (_splines(cells) @ np.concatenate(rows)).astype(np.float32)
    return _finer(half)[1:-1, 1:-1]


LADDER: Final = (7, 14, 28, 56)  # cells along an edge of the octaves of `fractal`


def fractal(stream: np.random.Generator, weights: tuple[float, float, float, float]) -> Field:
    """Return a sum of smooth noises, with 7, 14, 28 and 56 bumps along an edge.

    Variance is the sum of the squared weights. Fine noise costs far less this way than `noise`:
    each octave is added to the coarser ones, and then all are refined at once.

    Parameters:
        weights: standard deviation of each octave, coarse to fine.
    """
    total: Field | None = None
    for step, (cells, weight) in enumerate(zip(LADDER, weights, strict=True)):
        if total is not None:
            total = _finer(total)
        if weight:
            heights = stream.standard_normal((cells + 2, cells + 2), np.float32)
            heights *= weight / _deviation(len(LADDER) + 1 - step)
            total = heights if total is None else total + heights
    if total is None:
        return np.zeros((EDGE_PX, EDGE_PX), np.float32)
    for _ in range(2):
        total = _finer(total)
    return total[1:-1, 1:-1]


def _finer(coarse: Field) -> Field:
    """Double rows and columns: n + 2 become 2n + 2, on a quadratic spline (Chaikin 1974)."""
    quarter: Field = (coarse[1:] - coarse[:-1]) * np.float32(0.25)
    tall = np.empty((2 * len(quarter), coarse.shape[1]), np.float32)
    np.add(coarse[:-1], quarter, out=tall[0::2])
    np.subtract(coarse[1:], quarter, out=tall[1::2])
    across: Field = (tall[:, 1:] - tall[:, :-1]) * np.float32(0.25)
    fine = np.empty((len(tall), 2 * across.shape[1]), np.float32)
    np.add(tall[:, :-1], across, out=fine[:, 0::2])
    np.subtract(tall[:, 1:], across, out=fine[:, 1::2])
    return fine


def blotches(stream: np.random.Generator) -> Field:
    """Return noise that is common to about two by two pixels, mean 0 and variance 1."""
    half = EDGE_PX // 2 + 2
    rough = stream.integers(0, 256, (half, half), dtype=np.uint8).astype(np.float32)
    rough -= 127.5
    rough *= 1 / (73.9 * _deviation(1))  # bytes have a variance of (256² - 1) / 12
    return _finer(rough)[1:-1, 1:-1]


@cache
def _deviation(steps: int) -> float:
    """Return the standard deviation of white noise that was refined so many times."""
    responses = []
    for place in np.ndindex(3, 3):  # those whose bumps reach the middle cell
        bump: Field = np.zeros((3, 3), np.float32)
        bump[place] = 1
        for _ in range(steps):
            bump = _finer(bump)
        responses.append(bump[1:-1, 1:-1])
    return float(np.sqrt((np.stack(responses) ** 2).sum(0).mean()))


def static(stream: np.random.Generator) -> Field:
    """Return noise of each pixel on its own, evenly distributed, mean 0 and variance 1."""
    rough = stream.integers(0, 256, (EDGE_PX, EDGE_PX), dtype=np.uint8).astype(np.float32)
    rough -= 127.5
    rough *= 1 / 73.9  # bytes have a variance of (256² - 1) / 12
    return rough


def grain(stream: np.random.Generator) -> Field:
    """Return noise of neighbouring pixels, mean 0 and variance 1."""
    rough = stream.integers(0, 256, (EDGE_PX + 1, EDGE_PX + 1), dtype=np.uint8)
    wide = rough.astype(np.uint16)  # sums of bytes stay exact
    tall = wide[1:] + wide[:-1]
    grains = (tall[:, 1:] + tall[:, :-1]).astype(np.float32)
    grains -= 2 * 255
    grains *= 1 / (2 * 73.9)  # four bytes
    return grains


@cache
def _cosine() -> Field:
    """Return one turn of the cosine in 4096 steps."""
    return np.cos(np.linspace(0, 2 * np.pi, 4096, endpoint=False)).astype(np.float32)


def wave(turns: Field) -> Field:
    """Return the cosine of an angle that is given in turns."""
    height: Field = _cosine()[(turns * 4096).astype(np.intp) & 4095]
    return height
