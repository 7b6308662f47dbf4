"""Synthetic dermoscopy: from a recipe to pixels, without any image data.

    outline ─▶ pigment ─▶ structures ┐
                          skin ──────┴▶ optics ─▶ surface ─▶ camera

Numbers without a source in these files are assumptions, set by eye beside dermoscopic images.
How controls are distributed is not decided here but in `simulator/cases/lesion_recipes.py`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.dermoscopy.camera import photograph
from twin.dermoscopy.optics import cover, light_of
from twin.dermoscopy.outline import depth_of, inside_of
from twin.dermoscopy.pigment import pigment_of
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.skin import skin_of
from twin.dermoscopy.structures import (
    arbors_of,
    lacunae_of,
    milia_of,
    scale_of,
    scar_of,
    ulcer_of,
    veil_of,
    white_patch_of,
)
from twin.dermoscopy.surface import bubbles_of, glare_of, hairs_of, ruler_of
from twin.dermoscopy.textures import Field

Colour = tuple[float, float, float]

_VEIL: Final = (0.40, 0.49, 0.66)
_SCAR: Final = (0.86, 0.79, 0.80)
_SCALE: Final = (0.88, 0.83, 0.74)
_CYST: Final = (0.90, 0.84, 0.70)
_BLACK_HAIR: Final = np.array([0.16, 0.11, 0.10])
_WHITE_HAIR: Final = np.array([0.92, 0.88, 0.80])
_GLINT: Final = (1.0, 1.0, 1.0)
_INK: Final = (0.12, 0.11, 0.12)


def render(recipe: LesionRecipe) -> NDArray[np.uint8]:
    """Return the picture of a recipe, uint8 RGB of shape (224, 224, 3); the same every time."""
    return photograph(recipe, _surfaced(recipe, _lesion(recipe)))


def _lesion(recipe: LesionRecipe) -> Field:
    """Return the light that comes back from skin and lesion, (3, 224, 224)."""
    depth = depth_of(recipe)
    inside = inside_of(recipe, depth)
    skin_melanin, skin_blood = skin_of(recipe)
    melanin, blood = pigment_of(recipe, depth, inside)
    over: list[tuple[Colour, Field]] = []
    if recipe.ulceration > 0:
        ulcer = ulcer_of(recipe, inside)
        blood += 2.2 * ulcer
        melanin += 0.7 * ulcer
    if recipe.arbors > 0:
        blood += 1.8 * arbors_of(recipe, inside)
    if recipe.lacunae > 0:
        lacunae = lacunae_of(recipe, inside)
        blood += 3.5 * lacunae
        melanin += 0.5 * lacunae
    if recipe.milia > 0:
        cysts, openings = milia_of(recipe, inside)
        melanin += 2.5 * openings
        over.append((_CYST, 0.7 * cysts))
    if recipe.regression > 0 or recipe.patch > 0:
        scar = scar_of(recipe, inside)
        if recipe.patch > 0:
            scar = np.maximum(scar, white_patch_of(recipe, depth))
        melanin *= 1 - scar
        skin_melanin *= 1 - 0.4 * scar
        over.append((_SCAR, 0.45 * scar))
    light = light_of(melanin + skin_melanin, blood + skin_blood)
    if recipe.veil > 0:
        over.append((_VEIL, veil_of(recipe, inside)))
    if recipe.scale > 0:
        over.append((_SCALE, scale_of(recipe, inside)))
    for colour, share in over:
        cover(light, colour, share)
    return light


def _surfaced(recipe: LesionRecipe, light: Field) -> Field:
    """Lay over the light what lies on the skin."""
    if recipe.hair > 0:
        red, green, blue = (_BLACK_HAIR + recipe.blond * (_WHITE_HAIR - _BLACK_HAIR)).tolist()
        cover(light, (red, green, blue), hairs_of(recipe))
    if recipe.bubbles > 0:
        cover(light, _GLINT, bubbles_of(recipe))
    if recipe.glare > 0:
        cover(light, _GLINT, glare_of(recipe))
    if recipe.ruler > 0:
        cover(light, _INK, ruler_of(recipe))
    return light
