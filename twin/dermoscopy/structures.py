"""Structures that lie over or beside the pigment: each says where it is, and how much of it."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.dermoscopy.layers import Layer, stream_of
from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.sketch import Sketch, scattered
from twin.dermoscopy.textures import Field, fractal, grain, noise, octaves, smoothstep

_TREES: Final = 5  # of vessels, at most
_BRANCHES: Final = 7  # the stem among them
_STEPS: Final = 26  # of each branch


def veil_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return the blue-white veil."""
    patch = _patch(stream_of(recipe, Layer.VEIL), 5, recipe.veil, inside)
    return 0.6 * math.sqrt(recipe.veil) * patch


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
    level = fractal(stream, (0.5, 0.0, 0.6, 0.5)) + 0.4 * grain(stream)
    flakes = smoothstep((level - (1.9 - 1.5 * recipe.scale)) * (1 / 0.9))
    return 0.65 * flakes * (0.15 + 0.85 * inside) * min(1.0, 3 * recipe.scale)


def arbors_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return arborising vessels: stems that branch into thinner ones."""
    stream = stream_of(recipe, Layer.ARBORS)
    turns = stream.normal(0, 0.22, (_TREES, _BRANCHES, _STEPS))
    start = stream.uniform(-0.7, 0.7, (_TREES, 1, 2))
    heading = stream.uniform(0, 2 * np.pi, (_TREES, 1))
    forks = stream.integers(3, _STEPS, (_TREES, _BRANCHES - 1))
    sketch = Sketch()
    for tree in range(1 + round((_TREES - 1) * recipe.arbors)):
        stem = _walk(start[tree], heading[tree] + np.cumsum(turns[tree, 0]), 0.045)
        sketch.stroke(stem[:, 0], stem[:, 1], 5, 255)
        for branch, fork in enumerate(forks[tree], start=1):
            away = 0.8 if branch % 2 else -0.8  # to the left and to the right in turn
            angle = heading[tree] + away + np.cumsum(turns[tree, branch])
            twig = _walk(stem[fork], angle, 0.024)
            sketch.stroke(twig[:, 0], twig[:, 1], 3, 255)
    seen: Field = sketch.cover() * np.minimum(1, 0.15 + inside)
    return seen * (0.4 + 0.6 * recipe.arbors)


def _walk(
    start: NDArray[np.float64], angle: NDArray[np.float64], step: float
) -> NDArray[np.float64]:
    """Return the places (n, 2) of a walk in steps of one length, each in its direction."""
    return start + step * np.cumsum(np.stack([np.cos(angle), np.sin(angle)], axis=1), axis=0)


def lacunae_of(recipe: LesionRecipe, inside: Field) -> Field:
    """Return lacunae: round lakes of blood."""
    sketch = Sketch()
    share = 0.2 + 0.8 * recipe.lacunae
    places = scattered(stream_of(recipe, Layer.LACUNAE), 60, share, (0.05, 0.16))
    places[:, :2] *= 0.6
    sketch.dots(places)
    return sketch.cover() * inside * recipe.lacunae


def milia_of(recipe: LesionRecipe, inside: Field) -> tuple[Field, Field]:
    """Return milia-like cysts (white) and comedo-like openings (brown)."""
    share = 0.1 + 0.9 * recipe.milia
    places = scattered(stream_of(recipe, Layer.MILIA), 70, share, (0.012, 0.04))
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
    level = octaves(stream, (cells, 14, 22), (0.88, 0.4, 0.25))  # variance 1
    threshold = NormalDist().inv_cdf(1 - min(amount, 0.999))
    return smoothstep((level - threshold) * (1 / 1.4) + 0.5) * inside
