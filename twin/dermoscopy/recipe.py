"""The recipe of a synthetic lesion: everything the renderer needs, and no diagnosis.

The recipe travels in events, so it must not give the truth away (law 8): it holds what can be
seen, not what it is. `simulator/cases/lesion_recipes.py` draws recipes; `render.py` renders them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionRecipe:
    """What a dermatoscope would see. Fractions are in [0, 1]; `RANGES` holds the exceptions."""

    seed: int  # of all texture noise

    # Outline
    radius: float  # lesion radius as a share of half the image width
    asymmetry: float  # 0 round to 1 strongly lopsided
    border: float  # irregularity of the outline
    fade: float  # how gradually the border fades: over 8 % to 78 % of the radius

    # Colour of the lesion
    melanin: float  # pigment added by the lesion
    blood: float  # redness and vessels added by the lesion
    core: float  # how much darker the middle is than the rim
    variegation: float  # spread of colours within the lesion
    roughness: float  # of the pigment: fine and grainy rather than smooth patches

    # Structures of the lesion
    network: float  # strength of the pigment network
    globules: float  # number and strength of dots and globules
    streaks: float  # length of radial streaks at the border
    veil: float  # extent and strength of the blue-white veil
    regression: float  # share of white, scar-like area
    milia: float  # number of milia-like cysts and comedo-like openings
    arbors: float  # arborising vessels
    ulceration: float  # share of raw or crusted area
    scale: float  # white-yellow scale
    lacunae: float  # number of red and purple lacunae
    patch: float  # strength of a central white patch

    # Skin around and below
    tone_ita_deg: float  # individual typology angle of the skin: -30 and less dark, 55 light
    redness: float  # blood of the skin beyond its usual, with fine vessels
    mottle: float  # unevenness of the skin, coarse
    texture: float  # unevenness of the skin, fine
    lines: float  # skin lines
    ridges: float  # parallel ridges of palms and soles
    follicles: float  # openings of hair follicles, as on faces
    freckles: float  # number and strength of other brown spots

    # On the skin
    hair: float  # density of hairs over the image, 1 is 60 hairs
    blond: float  # 0 black hair to 1 white
    bubbles: float  # number of gel bubbles, 1 is 40
    glare: float  # small bright reflections
    ruler: float  # 0 none; to 0.5 ticks at the rim, above a millimetre scale; the rest says where

    # Camera
    squeeze: float  # pictures wider than high are pressed into a square: 1 is 1.6 to 1
    light: float  # exposure, 1 is neutral
    warmth: float  # white balance, 0 neutral, positive warm, negative cold
    tint: float  # white balance, 0 neutral, positive magenta, negative green
    saturation: float  # 0 neutral, -1 nearly grey
    contrast: float  # 0 neutral
    corners: float  # darkness of the corners, from 0.6 a black rim
    blur: float  # of the optics: sigma up to 2 px
    noise: float  # of the sensor: standard deviation up to 6 grey levels
    sharpen: float  # unsharp mask of the camera's software
    jpeg: float  # compression: 0 to 0.04 none, then quality 97 down to 40

    def __post_init__(self) -> None:
        # A NumPy number would turn the renderer's single precision into double, and the recipe
        # that comes back from the log, which holds plain numbers, would give other pixels.
        for field in fields(self):
            kind = int if field.name == "seed" else float
            object.__setattr__(self, field.name, kind(getattr(self, field.name)))


# Least and most of each field that is not a fraction; tones beyond the ends look like the ends.
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "seed": (0, 2**63 - 1),
    "tone_ita_deg": (-90, 90),
    "radius": (0.1, 1.0),
    "light": (0.2, 3.0),
    "warmth": (-1, 1),
    "tint": (-1, 1),
    "saturation": (-1, 1),
    "contrast": (-1, 1),
}
_FRACTION: Final = (0.0, 1.0)


def fault_of(recipe: LesionRecipe) -> str:
    """Return what is out of range, or nothing. Recipes come from outside, in events.

    >>> from dataclasses import replace
    >>> plain = LesionRecipe(**dict.fromkeys((each.name for each in fields(LesionRecipe)), 1))
    >>> fault_of(plain)
    ''
    >>> fault_of(replace(plain, hair=7.0))
    'hair 7.0 is not within 0.0 and 1.0'
    """
    for each in fields(recipe):
        value = getattr(recipe, each.name)
        low, high = RANGES.get(each.name, _FRACTION)
        if not low <= value <= high:  # also holds for NaN
            return f"{each.name} {value} is not within {low} and {high}"
    return ""
