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
    rough = fractal(stream, (0.0, 0.0, 0.8, 0.55)) + 0.3 * grain(stream)
    spread = recipe.variegation * patches + (0.05 + 0.45 * recipe.roughness) * rough
    middle = 1 + (0.1 + 1.2 * recipe.core) * (np.clip(1 - depth, -0.3, 1) - 0.35)
    density = np.maximum(0.06, middle * (1 + spread))
    if recipe.network > 0:
        here = np.clip(0.7 + 0.5 * patches, 0, 1)  # a mesh is nowhere equally strong
        density *= 1 + recipe.network * here * (_mesh(recipe) - 0.4)
    melanin = 3.6 * recipe.melanin * density * inside
    if recipe.globules > 0:
        melanin += (1.8 * recipe.globules) * _globules(recipe) * inside
    # Vessels run where a field crosses zero: thin, curved and branching.
    across = octaves(stream, (7, 14, 22), (0.5, 0.7, 0.3))
    vessels = np.maximum(0, 1 - np.abs(across) * (1 / 0.16))
    uneven = octaves(stream, (4, 7, 14), (0.5, 0.35, 0.2))
    here = np.maximum(0, 0.3 + 0.5 * patches)
    redness = np.maximum(0, 1 + (0.3 + recipe.variegation) * uneven) + here * vessels
    return melanin, 1.9 * recipe.blood * redness * inside


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
