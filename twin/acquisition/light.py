"""Light, exposure and colours of another device.

Every pixel sees a table or a matrix only: tables are made in float64 and rounded once.

Brightness, contrast and colour go one way each, as one device differs from another: so the seed
of an image decides nothing here. The other way would do as well: on every second ISIC test image
the AUC fell monotonically with less light, more contrast and a cold cast, too, but less far.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twin.acquisition.shift import Level, Pixels, Shift
from twin.dermoscopy.textures import grid

_GREY: Final = np.arange(256) / 255


def _looked_up(pixels: Pixels, curve: NDArray[np.float64]) -> Pixels:
    """Return pixels through a curve of 256 values, from 0 to 1."""
    table = np.floor(curve.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    found: Pixels = table[pixels]
    return found


@cache
def _falloff(strength: float) -> NDArray[np.float32]:
    x, y = grid()
    square = (x.astype(np.float64) ** 2 + y.astype(np.float64) ** 2) / 2  # 1 in the corners
    return ((1 - strength * square)[:, :, None]).astype(np.float32)


def _vignetting(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:  # noqa: ARG001
    dimmed: Pixels = (pixels * _falloff(level["loss"]) + np.float32(0.5)).astype(np.uint8)
    return dimmed


VIGNETTING: Final = Shift(
    name="vignetting",
    about="Light falls off towards the corners, with the square of the distance.",
    levels={"loss": (0.12, 0.27, 0.45, 0.65, 0.88)},  # of light in the corners
    source="assumption",
    change=_vignetting,
)


def _brightness(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:  # noqa: ARG001
    return _looked_up(pixels, _GREY * level["gain"])


BRIGHTNESS: Final = Shift(
    name="brightness",
    about="The picture is exposed too long: it is brighter, and its lightest parts are clipped.",
    levels={"gain": (1.05, 1.12, 1.2, 1.3, 1.42)},
    source="idea of ImageNet-C and MedMNIST-C (arXiv:2406.17536); gains: assumption",
    change=_brightness,
)


def _contrast(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:  # noqa: ARG001
    return _looked_up(pixels, (_GREY - _HAZE) * level["kept"] + _HAZE)


_HAZE: Final = 0.72  # grey of scattered light: assumption
CONTRAST: Final = Shift(
    name="contrast",
    about="Scattered light lies over the picture: contrast is lost.",
    levels={"kept": (0.9, 0.82, 0.74, 0.65, 0.52)},
    source="idea of ImageNet-C and MedMNIST-C (arXiv:2406.17536); shares: assumption",
    change=_contrast,
)

# Another device: warmer light (gains), and colour filters of the sensor that overlap more (mix).
_GAINS: Final = np.array([0.10, 0.0, -0.30])
_MIX: Final = np.array([[-0.20, 0.20, 0.0], [0.12, -0.22, 0.10], [0.0, 0.22, -0.22]])


def _colour_cast(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:  # noqa: ARG001
    strength = level["strength"]
    matrix = (1 + strength * _GAINS)[:, None] * (np.eye(3) + strength * _MIX)
    rows = [value for row in matrix for value in (*row.tolist(), 0.0)]
    return np.array(Image.fromarray(pixels).convert("RGB", tuple(rows)))


COLOUR_CAST: Final = Shift(
    name="colour_cast",
    about="Colours of another dermatoscope: warmer light, colour channels that overlap more.",
    levels={"strength": (0.12, 0.28, 0.45, 0.62, 0.85)},
    source="assumption",
    change=_colour_cast,
)
