"""Thin things, drawn: strokes and dots on a finer canvas, averaged down to pixels.

Pillow draws with integers, so that any host gives the same pixels.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from twin.dermoscopy.textures import EDGE_PX, Field

FINE: Final = 3  # canvas pixels to one


class Sketch:
    """A canvas over the picture's square; coordinates run from -1 to 1, as `grid` has them."""

    def __init__(self) -> None:
        self._image = Image.new("L", (EDGE_PX * FINE, EDGE_PX * FINE))
        self._draw = ImageDraw.Draw(self._image)

    def stroke(self, x: NDArray[np.float64], y: NDArray[np.float64], wide: int, ink: int) -> None:
        """Draw a line through points.

        Parameters:
            x, y: shape (n,), n at least two.
            wide: in canvas pixels, of which three make a pixel.
            ink: 0 to 255.
        """
        points = np.rint(_canvas(np.stack([x, y], axis=1))).astype(int).ravel().tolist()
        self._draw.line(points, fill=ink, width=wide)

    def dot(self, x: float, y: float, radius: float, ink: int, hollow: bool = False) -> None:
        """Draw a disc, or its rim; `radius` in the units of x and y."""
        box = [round(float(_canvas(v))) for v in (x - radius, y - radius, x + radius, y + radius)]
        if hollow:
            self._draw.ellipse(box, outline=ink, width=FINE)
        else:
            self._draw.ellipse(box, fill=ink)

    def dots(self, places: Iterable[Sequence[float]]) -> None:
        """Draw discs, each given as x, y, radius and ink from 0 to 1."""
        for x, y, radius, ink in places:
            self.dot(x, y, radius, round(255 * ink))

    def cover(self) -> Field:
        """Return how much of each pixel is covered, from 0 to 1."""
        coarse = np.asarray(self._image.reduce(FINE))
        return coarse.astype(np.float32) * np.float32(1 / 255)


def _canvas(place: NDArray[np.float64] | float) -> NDArray[np.float64]:
    on_canvas: NDArray[np.float64] = (np.asarray(place, np.float64) + 1) * (EDGE_PX * FINE / 2)
    return on_canvas


def scattered(
    stream: np.random.Generator, most: int, share: float, radius: tuple[float, float]
) -> NDArray[np.float64]:
    """Return discs in clusters, shape (round(most · share), 4): x, y, radius, ink.

    More of a share adds discs and leaves those there where they are.
    """
    centre = stream.uniform(-0.75, 0.75, (6, 2))
    place = centre[stream.integers(0, 6, most)] + stream.normal(0, 0.28, (most, 2))
    place = np.where(stream.random((most, 1)) < 0.5, place, stream.uniform(-1, 1, (most, 2)))
    low, high = radius
    size = low + (high - low) * stream.random(most) ** 2
    ink = stream.uniform(0.5, 1.0, most)
    return np.column_stack([place, size, ink])[: round(most * share)]
