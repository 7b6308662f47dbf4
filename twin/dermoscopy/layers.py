"""Random streams: each kind of texture has one of its own, so one control changes what it names."""

from enum import IntEnum

import numpy as np

from twin.dermoscopy.recipe import LesionRecipe


class Layer(IntEnum):
    """Random streams; append only, or every picture changes."""

    OUTLINE = 0
    SKIN = 1
    COLOUR = 2
    NETWORK = 3
    GLOBULES = 4
    STREAKS = 5
    VEIL = 6
    SCAR = 7
    HAIR = 8
    CAMERA = 9
    MILIA = 10
    ARBORS = 11
    ULCER = 12
    SCALE = 13
    LACUNAE = 14
    PATCH = 15
    LINES = 16
    FOLLICLES = 17
    FRECKLES = 18
    BUBBLES = 19
    GLARE = 20
    RULER = 21
    REDNESS = 22


def stream_of(recipe: LesionRecipe, layer: Layer) -> np.random.Generator:
    """Return the random stream of one kind of texture."""
    key = np.array([recipe.seed, layer], np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
