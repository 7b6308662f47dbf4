"""The skin around the lesion: melanin over blood, and its unevenness."""

from typing import Final

import numpy as np

from twin.dermoscopy.layers import Layer, stream_of
from twin.dermoscopy.outline import frame
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.sketch import Sketch, scattered
from twin.dermoscopy.textures import Field, fractal, grain, noise, octaves, smoothstep, wave

_BLOOD_OF_SKIN: Final = 0.62

# Melanin of skin by individual typology angle (Chardon et al. 1991), so that rendered skin has
# the angle asked for; tests/unit/twin/dermoscopy/test_render.py measures it.
_ITA_DEG: Final = (-50.0, -40.0, -30.0, -15.0, 0.0, 10.0, 28.0, 41.0, 48.0, 55.0, 62.0, 70.0)
_MELANIN_OF_SKIN: Final = (3.2, 2.56, 2.07, 1.52, 1.14, 0.94, 0.66, 0.48, 0.39, 0.31, 0.22, 0.12)

# Uneven skin differs more in depth of colour than in share: without this the lightest skin,
# which has next to no melanin, would be without any texture. Assumption.
_LEAST_TEXTURED: Final = 0.25


def skin_of(recipe: LesionRecipe) -> tuple[Field, Field]:
    """Return melanin and blood of the skin."""
    stream = stream_of(recipe, Layer.SKIN)
    base = float(np.interp(recipe.tone_ita_deg, _ITA_DEG, _MELANIN_OF_SKIN))
    uneven = octaves(stream, (3, 7, 14), (0.6, 0.6, 0.6))
    fine = fractal(stream, (0.0, 0.0, 0.8, 0.55))
    fine += 0.3 * grain(stream)
    uneven *= 0.5 * recipe.mottle
    uneven += (0.5 * recipe.texture) * fine
    if recipe.lines > 0:
        uneven += _lines(recipe)
    if recipe.ridges > 0:
        uneven += recipe.ridges * _ridges(recipe)
    melanin = (_LEAST_TEXTURED + 0.4 * base) * uneven
    melanin += base + 0.04
    if recipe.freckles > 0:
        melanin += _freckles(recipe)
    if recipe.follicles > 0:
        melanin *= 1 - 0.7 * recipe.follicles * _follicles(recipe)
    np.maximum(melanin, 0, out=melanin)
    return melanin, _blood(recipe, fine)


def _blood(recipe: LesionRecipe, fine: Field) -> Field:
    stream = stream_of(recipe, Layer.REDNESS)
    red = recipe.redness
    patches = octaves(stream, (3, 7, 14), (0.7, 0.6, 0.4))
    blood = ((0.25 + 0.35 * red) * recipe.mottle) * patches
    blood += 1 + 1.1 * red
    fine *= 0.3 * recipe.texture  # nobody else needs it any more
    blood += fine
    if red > 0:
        # Vessels run where a field crosses zero: thin, curved and branching.
        vessels = np.abs(fractal(stream, (0.4, 0.7, 0.5, 0.0)))
        vessels *= -1 / 0.14
        vessels += 1
        np.maximum(vessels, 0, out=vessels)
        patches *= 0.5 * red
        patches += 0.2 * red
        np.maximum(patches, 0, out=patches)
        vessels *= patches
        blood += vessels
    np.maximum(blood, 0.1, out=blood)
    blood *= _BLOOD_OF_SKIN
    return blood


def _lines(recipe: LesionRecipe) -> Field:
    """Return the furrows between the plates of the skin."""
    stream = stream_of(recipe, Layer.LINES)
    height = fractal(stream, (0.0, 0.8, 0.6, 0.0))
    return recipe.lines * (np.maximum(0, 1 - np.abs(height) * (1 / 0.3)) - 0.25)


def _ridges(recipe: LesionRecipe) -> Field:
    """Return the parallel ridges of palms and soles, from -1 to 1."""
    stream = stream_of(recipe, Layer.LINES)
    turn, per_pitch = stream.uniform(0, np.pi), 1 / stream.uniform(0.07, 0.10)
    x, y = frame(recipe)
    bend = 0.10 * noise(stream, 3)
    across = x * float(np.cos(turn)) + y * float(np.sin(turn)) + bend
    return wave(across * float(per_pitch))


def _follicles(recipe: LesionRecipe) -> Field:
    sketch = Sketch()
    share = 0.25 + 0.75 * recipe.follicles
    places = scattered(stream_of(recipe, Layer.FOLLICLES), 260, share, (0.012, 0.035))
    sketch.dots(places)
    return sketch.cover()


def _freckles(recipe: LesionRecipe) -> Field:
    stream = stream_of(recipe, Layer.FRECKLES)
    level = fractal(stream, (0.5, 0.6, 0.6, 0.0))
    spots = smoothstep((level - (1.7 - 1.2 * recipe.freckles)) * (1 / 1.6))
    return (0.2 + 0.8 * recipe.freckles) * spots
