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
    levels = light.copy()
    _expose(recipe, levels, _lamp(recipe, stream))
    _focus(recipe, levels)
    if recipe.noise > 0:
        _add_noise(levels, stream, 6 * recipe.noise)
    if recipe.sharpen > 0:
        edges = _luma(levels)
        edges -= blurred(edges, _SHARPENED_PX)
        edges *= 2.5 * recipe.sharpen
        levels += edges
    return _compressed(recipe, _picture(levels))


def _lamp(recipe: LesionRecipe, stream: np.random.Generator) -> Field:
    """Return how bright each place is lit: unevenly, and darker in the corners."""
    tilt_x, tilt_y = (float(tilt) for tilt in stream.uniform(-0.06, 0.06, 2))
    x, y = grid()
    lamp = tilt_x * x
    lamp += tilt_y * y
    lamp += 1
    if recipe.corners > 0:
        across, down = frame(recipe)
        square = across * across + down * down
        radius: Field = np.sqrt(square)
        rim = smoothstep((radius - (1.42 - 0.38 * recipe.corners)) * 10.0)
        lamp *= 1 - 0.14 * recipe.corners * square
        lamp *= 1 - min(1.0, 1.6 * recipe.corners) * rim
    return lamp


def _expose(recipe: LesionRecipe, levels: Field, lamp: Field) -> None:
    """Turn light, from 0 to 1, into grey levels."""
    exposure = 255 * recipe.light ** (1 / GAMMA)
    balance = (
        1 + 0.25 * recipe.warmth + 0.08 * recipe.tint,
        1 - 0.30 * recipe.tint,
        1 - 0.35 * recipe.warmth + 0.08 * recipe.tint,
    )
    for channel, share in enumerate(balance):
        levels[channel] *= (1 - _FLOOR) * exposure * share
        levels[channel] += _FLOOR * exposure * share
        levels[channel] *= lamp


def _focus(recipe: LesionRecipe, levels: Field) -> None:
    """Leave what lens and sensor resolve, with the camera's saturation and contrast.

    Colours are resolved less than brightness: sensors see each at every second pixel, and most
    software stores it coarsely, too.
    """
    sigma_px = 2.0 * recipe.blur
    luma = _luma(levels)
    steep = 1 + 0.5 * recipe.contrast
    vivid = steep * (1 + 0.8 * recipe.saturation)
    colour_px = math.sqrt(sigma_px**2 + _COLOUR_PX**2)
    red, blue = (blurred(levels[channel] - luma, colour_px) for channel in (0, 2))
    red *= vivid
    blue *= vivid
    if sigma_px > 0:
        luma = blurred(luma, sigma_px)
    luma *= steep
    luma -= 255 * _PIVOT * (steep - 1)
    np.add(luma, red, out=levels[0])
    np.add(luma, blue, out=levels[2])
    red *= -_LUMA[0] / _LUMA[1]
    blue *= -_LUMA[2] / _LUMA[1]
    red += blue
    np.add(luma, red, out=levels[1])
    np.clip(levels, 0, 255, out=levels)


def _luma(levels: Field) -> Field:
    luma: Field = _LUMA[1] * levels[1]
    for channel in (0, 2):
        luma += _LUMA[channel] * levels[channel]
    return luma


def _add_noise(levels: Field, stream: np.random.Generator, sd: float) -> None:
    """Add noise of a standard deviation in grey levels: some of it common to all colours."""
    common, warm, green = grain(stream), blotches(stream), blotches(stream)
    common *= _COMMON * sd
    # Colours are interpolated between pixels, and what is wrong with them spreads: in blotches.
    warm *= _BLOTCHED * sd
    green *= _BLOTCHED * sd
    levels[0] += warm
    levels[1] += green
    levels[2] -= warm
    for level in levels:
        own = static(stream)
        own *= sd
        own += common
        np.add(level, own, out=level)


def _picture(levels: Field) -> NDArray[np.uint8]:
    """Return levels (3, 224, 224), rounded, as a picture (224, 224, 3)."""
    levels += 0.5
    np.clip(levels, 0, 255.5, out=levels)
    picture = np.empty((EDGE_PX, EDGE_PX, 3), np.uint8)
    for channel, level in enumerate(levels):
        picture[..., channel] = level.astype(np.uint8)
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
