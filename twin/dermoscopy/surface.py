"""What lies on the skin: hair, gel bubbles, reflections, ruler marks."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.dermoscopy.layers import Layer, stream_of
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.sketch import Sketch
from twin.dermoscopy.textures import Field, fractal, noise, smoothstep

_HAIRS: Final = 60  # at most
_BUBBLES: Final = 40
_FIBRES: Final = 50
# Three strokes of an M on a square of its own, from its lower left.
_M: Final = np.array([[0, 0], [0, 1], [0.5, 0.4], [1, 1], [1, 0]])


def hairs_of(recipe: LesionRecipe) -> Field:
    """Return how much of each pixel is covered by hair: arcs that lie about parallel."""
    stream = stream_of(recipe, Layer.HAIR)
    middle = stream.uniform(-1.1, 1.1, (2, _HAIRS, 1))
    lean = stream.normal(stream.uniform(0, np.pi), 0.45, (_HAIRS, 1))
    bend, reach = stream.normal(0, 0.6, (_HAIRS, 1)), stream.uniform(0.2, 1.3, (_HAIRS, 1))
    wide, dark = stream.integers(1, 5, _HAIRS), stream.integers(130, 256, _HAIRS)
    step = np.linspace(-1, 1, 24) * reach
    angle = lean + bend * step
    x = middle[0] + np.cos(angle) * step
    y = middle[1] + np.sin(angle) * step
    sketch = Sketch()
    for hair in range(round(_HAIRS * recipe.hair)):
        sketch.stroke(x[hair], y[hair], int(wide[hair]), int(dark[hair]))
    return 0.9 * sketch.cover()


def bubbles_of(recipe: LesionRecipe) -> Field:
    """Return the bright rims and lights of gel bubbles."""
    stream = stream_of(recipe, Layer.BUBBLES)
    place = stream.uniform(-1, 1, (_BUBBLES, 2))
    radius = 0.015 + 0.14 * stream.random((_BUBBLES, 1)) ** 3
    ink = stream.uniform(0.25, 0.8, (_BUBBLES, 1))
    count = round(_BUBBLES * recipe.bubbles)
    rims = np.hstack([place, radius, ink])[:count]
    lights = np.hstack([place - 0.4 * radius, 0.2 * radius, np.ones_like(ink)])[:count]
    sketch = Sketch()
    sketch.dots(rims, hollow=True)
    sketch.dots(lights)
    return 0.8 * sketch.cover()


def glare_of(recipe: LesionRecipe) -> Field:
    """Return small reflections, in a few places, and bright fibres anywhere."""
    stream = stream_of(recipe, Layer.GLARE)
    where = smoothstep(noise(stream, 4) - 0.2)
    fine = fractal(stream, (0.0, 0.0, 0.5, 0.85))
    specks = smoothstep((fine - (2.9 - 1.3 * recipe.glare)) * 1.6) * where
    start, angle = stream.uniform(-1, 1, (_FIBRES, 2)), stream.uniform(0, 2 * np.pi, _FIBRES)
    turns = np.cumsum(stream.normal(0, 0.25, (_FIBRES, 12)), axis=1) + angle[:, None]
    step = stream.uniform(0.005, 0.04, (_FIBRES, 1))
    x = start[:, :1] + np.cumsum(step * np.cos(turns), axis=1)
    y = start[:, 1:] + np.cumsum(step * np.sin(turns), axis=1)
    ink = stream.integers(40, 220, _FIBRES)
    sketch = Sketch()
    for fibre in range(round(_FIBRES * recipe.glare)):
        sketch.stroke(x[fibre], y[fibre], 1, int(ink[fibre]))
    return np.minimum(1, specks + sketch.cover())


def ruler_of(recipe: LesionRecipe) -> Field:
    """Return ruler marks: ticks near the rim, or a scale that says MM."""
    stream = stream_of(recipe, Layer.RULER)
    turn, shift = stream.uniform(-0.4, 0.4), stream.uniform(-0.3, 0.3)
    sketch = Sketch()
    if recipe.ruler <= 0.5:
        _ticks(sketch, 4 * np.pi * recipe.ruler, float(stream.uniform(0.05, 0.11)))
    else:
        _scale(sketch, float(turn), float(shift), 0.55 + 0.6 * (recipe.ruler - 0.5))
    return 0.85 * sketch.cover()


def _ticks(sketch: Sketch, towards: float, length: float) -> None:
    """Draw an arc of marks that point to the middle; every fifth is longer."""
    for mark in range(9):
        angle = towards + 0.085 * (mark - 4)
        along = np.array([np.cos(angle), np.sin(angle)])
        rim = min(1.2, 0.98 / float(np.abs(along).max()))  # of the picture, or of the lens
        far = length * (1.6 if mark % 5 == 2 else 1)
        ends = np.outer([rim, rim - far], along)
        sketch.stroke(ends[:, 0], ends[:, 1], 4, 235)


def _scale(sketch: Sketch, turn: float, shift: float, down: float) -> None:
    """Draw a line with marks and the letters MM, turned and moved down from the middle."""

    def placed(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x, y = points[:, 0] + shift, points[:, 1] + down
        return x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)

    sketch.stroke(*placed(np.array([[-0.45, 0.0], [0.45, 0.0]])), 2, 230)
    for mark in range(21):
        x, far = -0.45 + 0.045 * mark, 0.06 if mark % 5 == 0 else 0.03
        sketch.stroke(*placed(np.array([[x, 0.0], [x, -far]])), 2, 220)
    for letter in (0.0, 0.06):
        at = _M * [0.045, -0.05] + [-0.42 + letter, 0.08]
        sketch.stroke(*placed(at), 2, 230)
