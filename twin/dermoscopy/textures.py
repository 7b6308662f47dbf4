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


def noise(stream: np.random.Generator, cells: int) -> Field:
    """Return smooth noise, mean 0 and variance 1, with `cells` bumps along an edge."""
    basis = _spline(cells)
    heights = stream.standard_normal((cells + 3, cells + 3))
    return (basis @ (heights @ basis.T)).astype(np.float32)


@cache
def _cosine() -> Field:
    """Return one turn of the cosine in 4096 steps."""
    return np.cos(np.linspace(0, 2 * np.pi, 4096, endpoint=False)).astype(np.float32)


def wave(turns: Field) -> Field:
    """Return the cosine of an angle that is given in turns."""
    height: Field = _cosine()[(turns * 4096).astype(np.intp) & 4095]
    return height
