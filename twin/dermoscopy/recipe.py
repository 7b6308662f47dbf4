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
    tone_ita_deg: float  # individual typology angle of the skin: -30 and less dark, 55 light
    radius: float  # lesion radius as a share of half the image width
    asymmetry: float  # 0 round to 1 strongly lopsided
    border: float  # irregularity of the outline
    fade: float  # how gradually the border fades: over 8 % to 78 % of the radius
    melanin: float  # pigment added by the lesion
    blood: float  # redness and vessels added by the lesion
    variegation: float  # spread of colours within the lesion
    network: float  # strength of the pigment network
    globules: float  # strength of dots and globules
    streaks: float  # length of radial streaks at the border
    veil: float  # extent and strength of the blue-white veil
    regression: float  # share of white, scar-like area
    hair: float  # density of hairs over the image, 1 is 36 hairs
    light: float  # exposure, 1 is neutral
    warmth: float  # white balance, 0 neutral, positive warm, negative cold
    corners: float  # darkness of the corners, from 0.6 a black rim

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
