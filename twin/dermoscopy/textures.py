"""Textures that the renderer is made of: smooth noise, waves, steps, over one fixed grid.

Full fields see exact operations only (sums, products, roots, tables) in float32; what maths
libraries round differently is done in float64 first, so that any host gives the same pixels.
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
    return t * t * (3 - 2 * t)


@cache
def grid() -> tuple[Field, Field]:
    """Return x to the right and y down of every pixel's centre, from -1 to 1."""
    axis = ((np.arange(EDGE_PX) + 0.5) / (EDGE_PX / 2) - 1).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    x.flags.writeable = y.flags.writeable = False  # shared by all who ask
    return x, y


@cache
def _spline(cells: int) -> NDArray[np.float64]:
    """Return the cubic B-spline basis of `cells` intervals over the edge, (224, cells + 3)."""
    place = (np.arange(EDGE_PX) + 0.5) * cells / EDGE_PX
    knot = place.astype(int)
    t = place - knot
    basis = np.zeros((EDGE_PX, cells + 3))
    rows = np.arange(EDGE_PX)
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
    """Return smooth noise, mean 0 and variance 1, with `cells` bumps along an edge."""
    return octaves(stream, (cells,), (1.0,))


def octaves(
    stream: np.random.Generator, cells: tuple[int, ...], weights: tuple[float, ...]
) -> Field:
    """Return a weighted sum of smooth noises: variance is the sum of the squared weights."""
    # Two products for all of them: the sum runs within the second one.
    rows = [
        (weight * stream.standard_normal((count + 3, count + 3))) @ _spline(count).T
        for count, weight in zip(cells, weights, strict=True)
    ]
    return (_splines(cells) @ np.concatenate(rows)).astype(np.float32)


def grain(stream: np.random.Generator) -> Field:
    """Return noise of neighbouring pixels, hardly correlated, mean 0 and variance 1."""
    rough = stream.integers(0, 256, (EDGE_PX + 2, EDGE_PX + 2), dtype=np.uint8).astype(np.float32)
    rough -= 127.5
    # Weights 1, 2, 1 and a variance of (256² - 1) / 12 before: 6² / 16² of it is left.
    across = rough[:, :-2] + 2 * rough[:, 1:-1] + rough[:, 2:]
    down: Field = across[:-2] + 2 * across[1:-1] + across[2:]
    return down * np.float32(1 / (6 * 73.9))


@cache
def _cosine() -> Field:
    """Return one turn of the cosine in 4096 steps."""
    return np.cos(np.linspace(0, 2 * np.pi, 4096, endpoint=False)).astype(np.float32)


def wave(turns: Field) -> Field:
    """Return the cosine of an angle that is given in turns."""
    height: Field = _cosine()[(turns * 4096).astype(np.intp) & 4095]
    return height
