"""The camera: lamp, white balance, lens, sensor, and what its software does to the picture.

JPEG is Pillow's: integer arithmetic, the same on every host.
"""

import io
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from twin.dermoscopy.blur import blurred
from twin.dermoscopy.layers import Layer, stream_of
from twin.dermoscopy.optics import GAMMA
from twin.dermoscopy.outline import frame
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.textures import EDGE_PX, Field, blotches, grain, grid, smoothstep, static

_FLOOR: Final = 0.035  # surface reflection that no absorber takes away
_LUMA: Final = (0.299, 0.587, 0.114)  # ITU-R BT.601
_PIVOT: Final = 0.6  # level that contrast leaves alone: assumption
_SHARPENED_PX: Final = 1.2  # sigma of the unsharp mask: assumption
_BLOTCHED: Final = 1.2  # noise of colours in blotches to noise of pixels
_BEST_QUALITY: Final = 97  # above, what JPEG does is less than rounding to grey levels
_COMMON: Final = 0.4  # noise of brightness to noise of each colour
_COLOUR_PX: Final = 0.72  # sigma of what blurs colours alone: assumption


def photograph(recipe: LesionRecipe, light: Field) -> NDArray[np.uint8]:
    """Return what the camera makes of light (3, 224, 224): uint8 RGB, (224, 224, 3)."""
    stream = stream_of(recipe, Layer.CAMERA)
    levels = _exposed(recipe, light, _lamp(recipe, stream))
    levels = _focused(levels, 2.0 * recipe.blur)
    if recipe.noise > 0:
        _add_noise(levels, stream, 6 * recipe.noise)
    if recipe.sharpen > 0:
        luma = _luma(levels)
        levels += (2.5 * recipe.sharpen) * (luma - blurred(luma, _SHARPENED_PX))
    return _compressed(recipe, _picture(levels))


def _lamp(recipe: LesionRecipe, stream: np.random.Generator) -> Field:
    """Return how bright each place is lit: unevenly, and darker in the corners."""
    tilt_x, tilt_y = (float(tilt) for tilt in stream.uniform(-0.06, 0.06, 2))
    x, y = grid()
    lamp = 1 + tilt_x * x + tilt_y * y
    if recipe.corners > 0:
        across, down = frame(recipe)
        square = across * across + down * down
        radius: Field = np.sqrt(square)
        rim = smoothstep((radius - (1.42 - 0.38 * recipe.corners)) * 10.0)
        lamp *= 1 - 0.14 * recipe.corners * square
        lamp *= 1 - min(1.0, 1.6 * recipe.corners) * rim
    return lamp


def _exposed(recipe: LesionRecipe, light: Field, lamp: Field) -> Field:
    exposure = recipe.light ** (1 / GAMMA)
    gain = (
        1 + 0.25 * recipe.warmth + 0.08 * recipe.tint,
        1 - 0.30 * recipe.tint,
        1 - 0.35 * recipe.warmth + 0.08 * recipe.tint,
    )
    levels = (1 - _FLOOR) * light + _FLOOR
    levels *= np.array([255 * exposure * each for each in gain], np.float32).reshape(3, 1, 1)
    levels *= lamp
    if recipe.saturation:
        luma = _luma(levels)
        levels *= 1 + 0.8 * recipe.saturation
        levels -= (0.8 * recipe.saturation) * luma
    if recipe.contrast:
        levels *= 1 + 0.5 * recipe.contrast
        levels -= 255 * _PIVOT * 0.5 * recipe.contrast
    return levels.clip(0, 255)


def _focused(levels: Field, sigma_px: float) -> Field:
    """Return what lens and sensor resolve; of colours, less than of brightness.

    Sensors see each colour at every second pixel, and most software stores it coarsely, too.
    """
    luma = _luma(levels)
    colour_px = math.sqrt(sigma_px**2 + _COLOUR_PX**2)
    red, blue = (blurred(levels[channel] - luma, colour_px) for channel in (0, 2))
    green = (_LUMA[0] * red + _LUMA[2] * blue) * (-1 / _LUMA[1])
    if sigma_px > 0:
        luma = blurred(luma, sigma_px)
    return np.stack([luma + red, luma + green, luma + blue])


def _luma(levels: Field) -> Field:
    red, green, blue = levels
    luma: Field = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue
    return luma


def _add_noise(levels: Field, stream: np.random.Generator, sd: float) -> None:
    """Add noise of a standard deviation in grey levels: some of it common to all colours."""
    levels += (_COMMON * sd) * grain(stream)
    for channel in range(3):
        levels[channel] += sd * static(stream)
    # Colours are interpolated between pixels, and what is wrong with them spreads: in blotches.
    warm, green = ((_BLOTCHED * sd) * blotches(stream) for _ in range(2))
    levels[0] += warm
    levels[1] += green
    levels[2] -= warm


def _picture(levels: Field) -> NDArray[np.uint8]:
    picture = np.empty((EDGE_PX, EDGE_PX, 3), np.uint8)
    for index, level in enumerate(levels):
        picture[..., index] = np.rint(level).clip(0, 255)
    return picture


def _compressed(recipe: LesionRecipe, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture compressed and decoded again."""
    quality = round(100 - 60 * recipe.jpeg)
    if quality > _BEST_QUALITY:
        return picture
    file = io.BytesIO()
    coarse = 2 if recipe.jpeg > 0.25 else 0  # 4:2:0 or 4:4:4
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=coarse)
    return np.array(Image.open(file))
