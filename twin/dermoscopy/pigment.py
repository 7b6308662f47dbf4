"""Pigment and blood of the lesion."""

import numpy as np

from twin.dermoscopy.layers import Layer, stream_of
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.sketch import Sketch, scattered
from twin.dermoscopy.textures import Field, fractal, grain, octaves


def pigment_of(recipe: LesionRecipe, depth: Field, inside: Field) -> tuple[Field, Field]:
    """Return melanin and blood that the lesion adds."""
    stream = stream_of(recipe, Layer.COLOUR)
    patches = octaves(stream, (4, 7, 14), (0.55, 0.5, 0.45))
    spread = fractal(stream, (0.0, 0.0, 0.8, 0.55))
    spread += 0.3 * grain(stream)
    spread *= 0.05 + 0.45 * recipe.roughness
    spread += recipe.variegation * patches
    spread += 1
    density = np.clip(1 - depth, -0.3, 1)
    density -= 0.35
    density *= 0.1 + 1.2 * recipe.core
    density += 1
    density *= spread
    np.maximum(density, 0.06, out=density)
    if recipe.network > 0:
        here = 0.5 * patches
        here += 0.7
        np.clip(here, 0, 1, out=here)  # a mesh is nowhere equally strong
        mesh = _mesh(recipe)
        mesh -= 0.4
        mesh *= here
        mesh *= recipe.network
        mesh += 1
        density *= mesh
    melanin = density
    melanin *= inside
    melanin *= 3.6 * recipe.melanin
    if recipe.globules > 0:
        melanin += (1.8 * recipe.globules) * _globules(recipe) * inside
    # Vessels run where a field crosses zero: thin, curved and branching.
    vessels = np.abs(octaves(stream, (7, 14, 22), (0.5, 0.7, 0.3)))
    vessels *= -1 / 0.16
    vessels += 1
    np.maximum(vessels, 0, out=vessels)
    patches *= 0.5
    patches += 0.3
    np.maximum(patches, 0, out=patches)
    vessels *= patches
    redness = octaves(stream, (4, 7, 14), (0.5, 0.35, 0.2))
    redness *= 0.3 + recipe.variegation
    redness += 1
    np.maximum(redness, 0, out=redness)
    redness += vessels
    redness *= inside
    redness *= 1.9 * recipe.blood
    return melanin, redness


def _globules(recipe: LesionRecipe) -> Field:
    """Return dots and globules, in clusters and of several sizes."""
    stream = stream_of(recipe, Layer.GLOBULES)
    sketch = Sketch()
    most = float(stream.uniform(0.02, 0.045))
    sketch.dots(scattered(stream, 240, 0.15 + 0.85 * recipe.globules, (0.008, most)))
    return sketch.cover()


def _mesh(recipe: LesionRecipe) -> Field:
    """Return a mesh of lines around holes of uneven size: 1 on its lines, 0 in its holes."""
    stream = stream_of(recipe, Layer.NETWORK)
    coarse = float(stream.uniform(0.2, 0.8))
    # Lines run where a field crosses zero, which closes loops of about the field's own scale.
    height = fractal(stream, (0.0, 0.25, coarse, 1 - coarse))
    return np.maximum(0, 1 - np.abs(height) * (1 / 0.55))
