"""The recipe of a synthetic lesion: everything the renderer needs, and no diagnosis.

The recipe travels in events, so it must not give the truth away (law 8): it holds what can be
seen, not what it is. `simulator/population.py` draws recipes; `twin/lesions.py` renders them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionRecipe:
    """What a dermatoscope would see. Fractions are in [0, 1] unless a field says otherwise."""

    seed: int  # of all texture noise; 0 to 2**63 - 1
    tone_ita_deg: float  # individual typology angle of the skin, degrees, about -50 to 70
    radius: float  # lesion radius as a share of half the image width, 0.2 to 0.9
    asymmetry: float  # 0 round to 1 strongly lopsided
    border: float  # irregularity of the outline
    fade: float  # width of the border's fading as a share of the radius
    melanin: float  # pigment added by the lesion
    blood: float  # vascularity added by the lesion
    variegation: float  # spread of colours within the lesion
    network: float  # strength of the pigment network
    globules: float  # density of dots and globules
    streaks: float  # strength of radial streaks at the border
    veil: float  # strength of the blue-white veil
    regression: float  # share of white, scar-like area
    hair: float  # density of hairs over the image
    light: float  # exposure, 1 is neutral
    warmth: float  # white balance, 0 neutral, positive warm, negative cold
    corners: float  # darkness of the corners
