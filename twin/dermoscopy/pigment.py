"""Pigment and blood of the lesion."""

import numpy as np

from twin.dermoscopy.layers import Layer, stream_of
from twin.dermoscopy.outline import frame
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.sketch import Sketch, scattered
from twin.dermoscopy.textures import Field, grain, noise, octaves, smoothstep, wave


def pigment_of(recipe: LesionRecipe, depth: Field, inside: Field) -> tuple[Field, Field]:
    """Return melanin and blood that the lesion adds."""
    stream = stream_of(recipe, Layer.COLOUR)
    patches = octaves(stream, (4, 8, 16), (0.55, 0.45, 0.3))
    rough = octaves(stream, (24, 44), (0.7, 0.6)) + 0.7 * grain(stream)
    spread = recipe.variegation * patches + (0.05 + 0.45 * recipe.roughness) * rough
    middle = 1 + (0.1 + 1.2 * recipe.core) * (np.clip(1 - depth, -0.3, 1) - 0.35)
    density = np.maximum(0.06, middle * (1 + spread))
    if recipe.network > 0:
        here = np.clip(0.7 + 0.5 * patches, 0, 1)  # a mesh is nowhere equally strong
        density *= 1 + recipe.network * here * (_mesh(recipe) - 0.4)
    melanin = 3.6 * recipe.melanin * density * inside
    if recipe.globules > 0:
        melanin += (1.8 * recipe.globules) * _globules(recipe) * inside
    vessels = np.maximum(0, 1 - np.abs(octaves(stream, (9, 18), (0.8, 0.5))) * (1 / 0.16))
    uneven = octaves(stream, (4, 9), (0.5, 0.35))
    redness = np.maximum(0, 1 + (0.3 + recipe.variegation) * uneven) + 0.6 * vessels
    return melanin, 1.9 * recipe.blood * redness * inside


def _globules(recipe: LesionRecipe) -> Field:
    """Return dots and globules, in clusters and of several sizes."""
    stream = stream_of(recipe, Layer.GLOBULES)
    sketch = Sketch()
    most = float(stream.uniform(0.02, 0.045))
    sketch.dots(scattered(stream, 240, 0.15 + 0.85 * recipe.globules, (0.008, most)))
    return sketch.cover()


def _mesh(recipe: LesionRecipe) -> Field:
    """Return a warped hexagonal mesh: 1 on its lines, 0 in its holes."""
    stream = stream_of(recipe, Layer.NETWORK)
    per_pitch, turn = 1 / stream.uniform(0.034, 0.066), stream.uniform(0, np.pi)
    x, y = frame(recipe)
    x, y = x + 0.06 * noise(stream, 9), y + 0.06 * noise(stream, 9)
    across, along = (
        x * float(np.cos(angle) * per_pitch) + y * float(np.sin(angle) * per_pitch)
        for angle in (turn, turn + np.pi / 3)
    )
    # No two cells are alike: noise as fine as the mesh opens some and closes others.
    waves = wave(across) + wave(along) + wave(along - across) + 1.1 * noise(stream, 26)
    # Three plane waves alone sum to 3 in the middle of a cell and to at least -1.5 on its walls.
    return 1 - smoothstep((waves + 0.9) * (1 / 2.2))
