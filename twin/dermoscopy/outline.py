"""The outline: how deep within the lesion each pixel lies."""

import math
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.dermoscopy.layers import Layer, stream_of
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.textures import Field, fractal, grid, smoothstep

_ANGLES: Final = 2048  # steps of the outline; finer than a pixel at every radius


def frame(recipe: LesionRecipe) -> tuple[Field, Field]:
    """Return x and y before the picture was pressed into a square; areas stay what they are."""
    return _stretched(math.sqrt(1 + 0.6 * recipe.squeeze))


@lru_cache(maxsize=8)  # one picture asks several times
def _stretched(stretch: float) -> tuple[Field, Field]:
    x, y = grid()
    x, y = x * np.float32(stretch), y * np.float32(1 / stretch)
    x.flags.writeable = y.flags.writeable = False  # shared by all who ask
    return x, y


def depth_of(recipe: LesionRecipe) -> Field:
    """Return the distance from the centre as a share of the outline's: 1 on the outline."""
    stream = stream_of(recipe, Layer.OUTLINE)
    shift_x, shift_y = stream.uniform(-1, 1, 2)
    order = np.arange(1, 13)
    phase = stream.uniform(0, 2 * np.pi, order.size)
    strength = stream.rayleigh(0.7, order.size)
    # Low orders make the shape lopsided or long, high ones the outline irregular.
    size = np.where(
        order <= 3,
        np.array([0.10, 0.16, 0.10])[np.minimum(order, 3) - 1] * (0.25 + recipe.asymmetry),
        0.34 * recipe.border / order,
    )
    waves = np.cos(np.outer(_angles(), order) + phase)
    outline = recipe.radius * np.maximum(0.25, 1 + waves @ (size * strength))
    outline = outline * (1 + _spikes(recipe))
    across, down = frame(recipe)
    x, y = across - np.float32(0.12 * shift_x), down - np.float32(0.12 * shift_y)
    depth: Field = x * x
    depth += y * y
    np.sqrt(depth, out=depth)
    depth *= np.take((1 / outline).astype(np.float32), _step(x, y))
    rough = recipe.border
    depth += fractal(
        stream, (0.12 * rough, 0.10 * rough, 0.02 + 0.05 * rough, 0.015 + 0.03 * rough)
    )
    return depth


@cache
def _angles() -> NDArray[np.float64]:
    """Return the angle of each step of the outline, shape (2048,)."""
    turn = (np.arange(_ANGLES) + 0.5) * (4 / _ANGLES)  # from 0 to 4, a quarter turn each
    quarter = np.floor(turn)
    share = turn - quarter
    angles: NDArray[np.float64] = np.arctan2(share, 1 - share) + quarter * (np.pi / 2)
    return angles


def _step(x: Field, y: Field) -> NDArray[np.intp]:
    """Return the step of the outline that each pixel looks to.

    Steps are even along the sides of a diamond instead of a circle, so that a quotient finds
    them: an arctangent differs between hosts, and takes longer.
    """
    turn = np.abs(x)
    turn += np.abs(y)
    turn += np.float32(1e-6)
    np.divide(y, turn, out=turn)  # -1 to 1
    np.subtract(2, turn, out=turn, where=x < 0)
    turn *= np.float32(_ANGLES / 4)
    step = turn.astype(np.intp)
    step &= _ANGLES - 1
    return step


def inside_of(recipe: LesionRecipe, depth: Field) -> Field:
    """Return how much of the lesion is in each pixel: 1 inside, 0 outside, fading between."""
    return smoothstep((1 - depth) * (1 / (0.08 + 0.70 * recipe.fade)) + 0.5)


def _spikes(recipe: LesionRecipe) -> NDArray[np.float64]:
    """Return how far radial streaks push the outline out, as a share of it, shape (2048,)."""
    stream = stream_of(recipe, Layer.STREAKS)
    centre, length = stream.integers(0, _ANGLES, 28), stream.random(28) ** 2
    half = 16  # steps: 3 degrees
    away = np.arange(-half, half + 1)
    spikes = np.zeros(_ANGLES)
    spike = 1 - np.abs(away) / half
    np.maximum.at(spikes, (centre[:, None] + away) % _ANGLES, length[:, None] * spike)
    return 0.40 * recipe.streaks * spikes
