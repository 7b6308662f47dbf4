"""Synthetic dermoscopy: from a recipe to pixels, without any image data.

Skin is two absorbing layers, melanin over blood, that light passes on its way in and out; the
lesion adds to both. Everything is a sum of absorbances until one exponential makes light of it:

    I_c = exp(-(a_0 + m_c M(x, y) + h_c B(x, y)) / gamma),    c in red, green, blue

(Beer and Lambert's law, as used for skin by Claridge et al. 2003,
doi:10.1016/S1361-8415(03)00033-1). What scatters above the pigment (veil, scar) or lies on the
skin (hair) is blended in afterwards. Numbers without a source here are assumptions, set by eye
beside dermoscopic images. Each kind of texture has a random stream of its own, so that one
control changes only what it names.
"""

import math
from enum import IntEnum
from functools import cache
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.dermoscopy.recipe import LesionRecipe
from twin.dermoscopy.textures import EDGE_PX, Field, grid, noise, smoothstep, wave

_ANGLES: Final = 2048  # steps of the outline; finer than a pixel at every radius

# Relative attenuation at 620, 550 and 460 nm. Melanin absorbs as wavelength^-3.33 (Jacques 2013,
# doi:10.1088/0031-9155/58/11/R37); blue light, scattered back from less deep, meets less of it:
# ^-2.7 is an assumption. Blood: 75 % oxygenated haemoglobin (Prahl 1999, tables).
_MELANIN: Final = (0.72, 1.0, 1.62)
_BLOOD: Final = (0.051, 1.0, 0.86)
_DERMIS: Final = 0.22  # absorbance of skin without melanin and blood
_BLOOD_OF_SKIN: Final = 0.62
_GAMMA: Final = 2.2  # of sRGB, IEC 61966-2-1
_FLOOR: Final = 0.035  # surface reflection that no absorber takes away

# Melanin of skin by individual typology angle (Chardon et al. 1991), so that rendered skin has
# the angle asked for; tests/unit/twin/dermoscopy/test_render.py measures it.
_ITA_DEG: Final = (-50.0, -40.0, -30.0, -15.0, 0.0, 10.0, 28.0, 41.0, 48.0, 55.0, 62.0, 70.0)
_MELANIN_OF_SKIN: Final = (3.2, 2.56, 2.07, 1.52, 1.14, 0.94, 0.66, 0.48, 0.39, 0.31, 0.22, 0.12)

_VEIL: Final = (0.46, 0.50, 0.62)
_SCAR: Final = (0.86, 0.79, 0.80)
_HAIR: Final = (0.16, 0.11, 0.10)


class _Layer(IntEnum):
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


def render(recipe: LesionRecipe) -> NDArray[np.uint8]:
    """Return the picture of a recipe, uint8 RGB of shape (224, 224, 3); the same every time."""
    depth = _depth(recipe)
    inside = smoothstep((1 - depth) * (1 / _fade(recipe)) + 0.5)
    skin_melanin, skin_blood = _skin(recipe)
    melanin, blood = _pigment(recipe, depth, inside)
    scar = _scar(recipe, inside)
    melanin *= 1 - scar
    melanin += skin_melanin * (1 - 0.4 * scar)
    blood += skin_blood
    light = np.empty((3, EDGE_PX, EDGE_PX), np.float32)
    for channel, of_melanin, of_blood in zip(light, _MELANIN, _BLOOD, strict=True):
        np.take(_decay(), _steps(of_melanin * melanin + of_blood * blood), out=channel)
    _cover(light, _SCAR, 0.45 * scar)
    _cover(light, _VEIL, _veil(recipe, inside))
    _cover(light, _HAIR, _hairs(recipe))
    return _photograph(recipe, light)


def _stream(recipe: LesionRecipe, layer: _Layer) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(recipe.seed).jumped(layer))


def _cover(light: Field, colour: tuple[float, float, float], cover: Field) -> None:
    """Lay a colour over light (3, 224, 224), where and as much as `cover` says."""
    if cover.any():
        light *= 1 - cover
        light += np.array(colour, np.float32).reshape(3, 1, 1) * cover


_STEPS_PER_UNIT: Final = 512  # of absorbance: finer than a grey level
_MOST_ABSORBANCE: Final = 16  # black


@cache
def _decay() -> Field:
    """Return the exponential of the file's first formula as a table over absorbance."""
    absorbance = np.arange(_MOST_ABSORBANCE * _STEPS_PER_UNIT) / _STEPS_PER_UNIT
    return np.exp(-(_DERMIS + absorbance) / _GAMMA).astype(np.float32)


def _steps(absorbance: Field) -> NDArray[np.intp]:
    last = _MOST_ABSORBANCE * _STEPS_PER_UNIT - 1
    return np.minimum(absorbance * _STEPS_PER_UNIT, last).astype(np.intp)


def _fade(recipe: LesionRecipe) -> float:
    return 0.08 + 0.70 * recipe.fade


def _depth(recipe: LesionRecipe) -> Field:
    """Return the distance from the centre as a share of the outline's: 1 on the outline."""
    stream = _stream(recipe, _Layer.OUTLINE)
    shift_x, shift_y, turn = stream.uniform(-1, 1, 3)
    order = np.arange(1, 13)
    phase = stream.uniform(0, 2 * np.pi, order.size)
    strength = stream.rayleigh(0.7, order.size)
    # Low orders make the shape lopsided or long, high ones the outline irregular.
    size = np.where(
        order <= 3,
        np.array([0.10, 0.16, 0.10])[np.minimum(order, 3) - 1] * (0.25 + recipe.asymmetry),
        0.34 * recipe.border / order,
    )
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    waves = np.cos(np.outer(angle, order) + phase)
    outline = recipe.radius * np.maximum(0.25, 1 + waves @ (size * strength))
    outline = np.roll(outline * (1 + _spikes(recipe)), int((turn + 1) / 2 * _ANGLES))
    # In float64, so that the table's steps are the same on every host.
    x, y = (axis.astype(np.float64) for axis in grid())
    x, y = x - 0.12 * shift_x, y - 0.12 * shift_y
    steps = ((np.arctan2(y, x) + np.pi) * (_ANGLES / (2 * np.pi))).astype(np.intp)
    depth: Field = np.sqrt(x * x + y * y).astype(np.float32)
    depth *= (1 / outline).astype(np.float32)[steps % _ANGLES]
    depth += (0.10 * recipe.border) * noise(stream, 14)
    depth += 0.03 * noise(stream, 40)
    return depth


def _spikes(recipe: LesionRecipe) -> NDArray[np.float64]:
    """Return how far radial streaks push the outline out, as a share of it, shape (2048,)."""
    stream = _stream(recipe, _Layer.STREAKS)
    centre, length = stream.integers(0, _ANGLES, 28), stream.random(28) ** 2
    half = 16  # steps: 3 degrees
    away = np.arange(-half, half + 1)
    spikes = np.zeros(_ANGLES)
    spike = 1 - np.abs(away) / half
    np.maximum.at(spikes, (centre[:, None] + away) % _ANGLES, length[:, None] * spike)
    return 0.40 * recipe.streaks * spikes


def _skin(recipe: LesionRecipe) -> tuple[Field, Field]:
    """Return melanin and blood of the skin around the lesion."""
    stream = _stream(recipe, _Layer.SKIN)
    base = float(np.interp(recipe.tone_ita_deg, _ITA_DEG, _MELANIN_OF_SKIN))
    blotches, mottle, pores = (noise(stream, cells) for cells in (4, 14, 56))
    melanin = (base + 0.04) * (1 + 0.10 * blotches + 0.07 * mottle + 0.05 * pores)
    blood = _BLOOD_OF_SKIN * (1 + 0.10 * noise(stream, 5) + 0.08 * mottle)
    return np.maximum(melanin, 0), blood


def _pigment(recipe: LesionRecipe, depth: Field, inside: Field) -> tuple[Field, Field]:
    """Return melanin and blood that the lesion adds."""
    stream = _stream(recipe, _Layer.COLOUR)
    islands, patches, grain = (noise(stream, cells) for cells in (5, 11, 36))
    spread = recipe.variegation * (0.50 * islands + 0.40 * patches) + 0.10 * grain
    centre = 1 + 0.35 * np.clip(1 - depth, -0.3, 1)
    density = np.maximum(0.1, centre * (1 + spread))
    if recipe.network > 0:
        here = np.clip(0.7 + 0.4 * patches, 0, 1)  # a mesh is nowhere equally strong
        density = density * (1 + recipe.network * here * (_mesh(recipe) - 0.4))
    melanin = 3.6 * recipe.melanin * density * inside
    if recipe.globules > 0:
        dots = smoothstep((noise(_stream(recipe, _Layer.GLOBULES), 34) - 0.9) * (1 / 0.6))
        melanin += 1.8 * recipe.globules * dots * inside
    # Vessels run where a field crosses zero: thin, curved and branching.
    vessels = np.maximum(0, 1 - np.abs(noise(stream, 9)) * (1 / 0.16))
    redness = np.maximum(0, 1 + 0.35 * noise(stream, 7)) + 0.9 * vessels
    return melanin, 1.9 * recipe.blood * redness * inside


def _mesh(recipe: LesionRecipe) -> Field:
    """Return a warped hexagonal mesh: 1 on its lines, 0 in its holes."""
    stream = _stream(recipe, _Layer.NETWORK)
    per_pitch, turn = 1 / stream.uniform(0.038, 0.056), stream.uniform(0, np.pi)
    x, y = grid()
    x, y = x + 0.05 * noise(stream, 9), y + 0.05 * noise(stream, 9)
    across, along = (
        x * float(np.cos(angle) * per_pitch) + y * float(np.sin(angle) * per_pitch)
        for angle in (turn, turn + np.pi / 3)
    )
    waves = wave(across) + wave(along) + wave(along - across)
    # Three plane waves sum to 3 in the middle of a cell and to at least -1.5 on its walls.
    return 1 - smoothstep((waves + 0.9) * (1 / 2.2))


def _patch(stream: np.random.Generator, cells: int, amount: float, inside: Field) -> Field:
    """Return a patch that covers about `amount` of the lesion."""
    if amount <= 0:
        return np.zeros_like(inside)
    level = 0.9 * noise(stream, cells) + 0.44 * noise(stream, 3 * cells)  # variance 1
    threshold = NormalDist().inv_cdf(1 - min(amount, 0.999))
    return smoothstep((level - threshold) * (1 / 1.4) + 0.5) * inside


def _veil(recipe: LesionRecipe, inside: Field) -> Field:
    patch = _patch(_stream(recipe, _Layer.VEIL), 5, recipe.veil, inside)
    return 0.7 * math.sqrt(recipe.veil) * patch


def _scar(recipe: LesionRecipe, inside: Field) -> Field:
    return 0.85 * _patch(_stream(recipe, _Layer.SCAR), 6, recipe.regression, inside)


def _hairs(recipe: LesionRecipe) -> Field:
    """Return how much of each pixel is covered by hair: arcs, splatted bilinearly."""
    stream = _stream(recipe, _Layer.HAIR)
    most = 36
    middle = stream.uniform(-1, 1, (2, most, 1))
    lean = stream.normal(stream.uniform(0, np.pi), 0.5, (most, 1))
    bend, reach = stream.normal(0, 0.5, (most, 1)), stream.uniform(0.3, 1.3, (most, 1))
    wide = stream.random(most) < 0.4
    count = round(most * recipe.hair)
    if count == 0:
        return np.zeros((EDGE_PX, EDGE_PX), np.float32)
    step = np.linspace(-1, 1, 300) * reach
    angle = lean + bend * step
    x = middle[0] + np.cos(angle) * step
    y = middle[1] + np.sin(angle) * step
    cover = np.zeros(EDGE_PX * EDGE_PX)
    for chosen, across_px in ((slice(0, count), 0.0), (wide[:count].nonzero()[0], 0.8)):
        column = (x[chosen] + 1) * (EDGE_PX / 2) - 0.5 + across_px * np.sin(angle[chosen])
        row = (y[chosen] + 1) * (EDGE_PX / 2) - 0.5 - across_px * np.cos(angle[chosen])
        seen = (column >= 0) & (column < EDGE_PX - 1) & (row >= 0) & (row < EDGE_PX - 1)
        column, row = column[seen], row[seen]
        left, top = column.astype(np.intp), row.astype(np.intp)
        right, down = column - left, row - top
        for shift, weight in (
            (0, (1 - right) * (1 - down)),
            (1, right * (1 - down)),
            (EDGE_PX, (1 - right) * down),
            (EDGE_PX + 1, right * down),
        ):
            cover += np.bincount(top * EDGE_PX + left + shift, weight, cover.size)
    return np.minimum(0.85, 0.65 * cover).astype(np.float32).reshape(EDGE_PX, EDGE_PX)


def _photograph(recipe: LesionRecipe, light: Field) -> NDArray[np.uint8]:
    """Return what the camera makes of light (3, 224, 224): lamp, white balance, lens, grain."""
    stream = _stream(recipe, _Layer.CAMERA)
    tilt_x, tilt_y = (float(tilt) for tilt in stream.uniform(-0.06, 0.06, 2))
    x, y = grid()
    square = x * x + y * y
    radius: Field = np.sqrt(square)
    rim = smoothstep((radius - (1.42 - 0.38 * recipe.corners)) * 10.0)
    lamp = (1 + tilt_x * x + tilt_y * y) * (1 - 0.14 * recipe.corners * square)
    lamp *= 1 - min(1.0, 1.6 * recipe.corners) * rim
    grain = stream.integers(0, 256, (EDGE_PX, EDGE_PX), dtype=np.uint8) * np.float32(6 / 255) - 3
    exposure = 255 * recipe.light ** (1 / _GAMMA)
    picture = np.empty((EDGE_PX, EDGE_PX, 3), np.uint8)
    for index, balance in enumerate((1 + 0.10 * recipe.warmth, 1, 1 - 0.16 * recipe.warmth)):
        level = (1 - _FLOOR) * light[index] + _FLOOR
        level *= (exposure * balance) * lamp
        level += grain
        picture[..., index] = np.rint(level).clip(0, 255)
    return picture
