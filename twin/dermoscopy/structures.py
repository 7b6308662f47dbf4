"""Structures that lie over or beside the pigment: each says where it is, and how much of it."""

import math
from statistics import NormalDist

import numpy as np

from twin.dermoscopy.layers import Layer, stream_of
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.sketch import Sketch, scattered
from twin.dermoscopy.textures import Field, grain, noise, octaves, smoothstep


def veil_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return the blue-white veil."""
    patch = _patch(stream_of(recipe, Layer.VEIL), 5, recipe.veil, inside)
    return 0.7 * math.sqrt(recipe.veil) * patch


def scar_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return regression: white and scar-like."""
    return 0.85 * _patch(stream_of(recipe, Layer.SCAR), 6, recipe.regression, inside)


def white_patch_of(recipe: LesionRecipe, depth: Field) -> Field:
    """Return the white patch in the middle, with paler lines that run through it."""
    stream = stream_of(recipe, Layer.PATCH)
    wide = 0.45 + 0.15 * float(stream.random())
    lines = np.maximum(0, 1 - np.abs(noise(stream, 14)) * (1 / 0.35))
    return recipe.patch * smoothstep((wide - depth) * 2.5 + 0.5) * (0.45 + 0.4 * lines)


def ulcer_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return raw or crusted area."""
    return _patch(stream_of(recipe, Layer.ULCER), 5, 0.6 * recipe.ulceration, inside)


def scale_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return white-yellow scale: flakes with sharp rims."""
    stream = stream_of(recipe, Layer.SCALE)
    level = octaves(stream, (6, 20, 44), (0.5, 0.6, 0.5)) + 0.4 * grain(stream)
    flakes = smoothstep((level - (1.9 - 1.6 * recipe.scale)) * (1 / 0.5))
    return 0.75 * flakes * (0.15 + 0.85 * inside) * min(1.0, 3 * recipe.scale)


def arbors_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return arborising vessels: stems that branch into thinner ones."""
    stream = stream_of(recipe, Layer.ARBORS)
    sketch = Sketch()
    turns = stream.normal(0, 0.22, (5, 7, 26))
    start, heading = stream.uniform(-0.7, 0.7, (5, 2)), stream.uniform(0, 2 * np.pi, 5)
    forks = stream.integers(3, 20, (5, 7))
    for tree in range(1 + round(4 * recipe.arbors)):
        x0, y0, towards = start[tree, 0], start[tree, 1], heading[tree]
        x = y = np.zeros(1)
        for branch in range(7):
            angle = towards + np.cumsum(turns[tree, branch])
            if branch:  # it leaves the stem at a fork
                x0, y0 = x_stem[forks[tree, branch]], y_stem[forks[tree, branch]]
                angle = angle + (0.8 if branch % 2 else -0.8)
            step = 0.045 if branch == 0 else 0.024
            x, y = x0 + step * np.cumsum(np.cos(angle)), y0 + step * np.cumsum(np.sin(angle))
            if branch == 0:
                x_stem, y_stem = x, y
            sketch.stroke(x, y, 5 if branch == 0 else 3, 255)
    return sketch.cover() * np.minimum(1, 0.15 + inside) * (0.4 + 0.6 * recipe.arbors)


def lacunae_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return lacunae: round lakes of blood."""
    sketch = Sketch()
    places = scattered(stream_of(recipe, Layer.LACUNAE), 60, 0.2 + 0.8 * recipe.lacunae,
                       (0.05, 0.16))
    places[:, :2] *= 0.6
    sketch.dots(places)
    return sketch.cover() * inside * recipe.lacunae


def milia_of(recipe: LesionRecipe, inside: Field) -> tuple[Field, Field]:
    """Return milia-like cysts (white) and comedo-like openings (brown)."""
    places = scattered(stream_of(recipe, Layer.MILIA), 70, 0.1 + 0.9 * recipe.milia,
                       (0.012, 0.04))
    white, brown = Sketch(), Sketch()
    places[:, :2] *= 0.75
    white.dots(places[::2])
    brown.dots(places[1::2])
    strength = 0.35 + 0.65 * recipe.milia
    return strength * white.cover() * inside, strength * brown.cover() * inside


def _patch(stream: np.random.Generator, cells: int, amount: float, inside: Field) -> Field:
    """Return a patch that covers about `amount` of the lesion."""
    if amount <= 0:
        return np.zeros_like(inside)
    level = octaves(stream, (cells, 3 * cells), (0.9, 0.44))  # variance 1
    threshold = NormalDist().inv_cdf(1 - min(amount, 0.999))
    return smoothstep((level - threshold) * (1 / 1.4) + 0.5) * inside
