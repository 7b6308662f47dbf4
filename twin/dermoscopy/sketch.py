"""Thin things, drawn: strokes and dots on a finer canvas, averaged down to pixels.

Pillow draws with integers, so that any host gives the same pixels.
"""

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

    def dots(self, places: NDArray[np.float64], hollow: bool = False) -> None:
        """Draw discs, or their rims.

        Parameters:
            places: shape (n, 4): x, y, radius in the units of x and y, and ink from 0 to 1.
        """
        middle, radius = places[:, :2], places[:, 2:3]
        corners = np.rint(_canvas(np.hstack([middle - radius, middle + radius]))).astype(int)
        inks = np.rint(255 * places[:, 3]).astype(int)
        for box, ink in zip(corners.tolist(), inks.tolist(), strict=True):
            if hollow:
                self._draw.ellipse(box, outline=ink, width=FINE)
            else:
                self._draw.ellipse(box, fill=ink)

    def cover(self) -> Field:
        """Return how much of each pixel is covered, from 0 to 1."""
        coarse = np.asarray(self._image.reduce(FINE))
        return coarse.astype(np.float32) * np.float32(1 / 255)


def _canvas(place: NDArray[np.float64]) -> NDArray[np.float64]:
    on_canvas: NDArray[np.float64] = (place + 1) * (EDGE_PX * FINE / 2)
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
