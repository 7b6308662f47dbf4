"""What lesions of each diagnosis look like: distributions over the renderer's controls."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from twin.dermoscopy.recipe import LesionRecipe

# Logit of the median, per control and diagnosis, and the spread around it in logits. The signs
# follow the dermoscopic criteria (ABCD rule: Nachbar et al. 1994; seven-point list: Argenziano
# et al. 1998; basal cell carcinoma: Menzies et al. 2000). The sizes are an assumption: they are
# set so that classes overlap about as in real images (an RBF SVM on stem statistics, 400 images
# to learn from, reaches an AUC of 0.90 to 0.97).
_CONTROLS: Final[Mapping[str, tuple[float, float, float, float, float]]] = {
    # control: (nevus, seborrheic keratosis, melanoma, basal cell carcinoma, spread)
    "radius": (-0.7, -0.4, 0.6, 0.0, 0.6),
    "asymmetry": (-1.4, -0.9, 0.1, -0.5, 0.9),
    "border": (-1.6, -1.2, -0.1, -1.0, 0.8),
    "fade": (-0.2, -1.4, -0.5, 0.0, 0.8),
    "melanin": (-1.0, -0.8, 0.6, -2.0, 0.6),
    "blood": (-1.8, -2.2, -1.0, 0.3, 0.8),
    "variegation": (-1.5, -0.9, 0.6, -0.2, 0.8),
    "network": (-0.5, -3.0, -0.5, -4.0, 1.1),
    "globules": (-1.6, -0.8, -0.8, -1.6, 1.1),
    "streaks": (-3.5, -4.5, -1.8, -5.0, 1.2),
    "veil": (-5.0, -4.8, -2.4, -3.0, 1.1),
    "regression": (-5.0, -4.5, -2.5, -2.8, 1.1),
}
_COLUMNS: Final = ("nevus", "seborrheic_keratosis", "melanoma", "basal_cell_carcinoma")

# Early melanomas look like nevi and atypical nevi like melanomas: one draw per lesion moves all
# its signs together, in units of the way from nevus to melanoma. Assumption.
_ATYPIA: Final = 0.25


def recipe_of(draws: np.random.Generator, diagnosis: str, tone_ita_deg: float) -> LesionRecipe:
    """Draw what is seen of a lesion. Each value takes its draws in turn, whatever the diagnosis."""
    column = _COLUMNS.index(diagnosis)
    seed = int(draws.integers(2**63))
    atypia = _ATYPIA * draws.standard_normal()
    control = {
        name: _fraction(
            spec[column] + atypia * (spec[2] - spec[0]) + spec[-1] * draws.standard_normal()
        )
        for name, spec in _CONTROLS.items()
    }
    control["radius"] = round(0.2 + 0.7 * control["radius"], 4)
    hairy, hair, light, warmth, dark, corners = draws.random(6)
    return LesionRecipe(
        seed=seed,
        tone_ita_deg=round(float(tone_ita_deg), 4),
        hair=round(0.6 * hair**2, 4) if hairy < 0.4 else 0.0,
        light=round(0.8 + 0.4 * light, 4),
        warmth=round(1.4 * warmth - 0.5, 4),
        corners=round(corners, 4) if dark < 0.35 else 0.0,
        **control,
    )


def _fraction(logit: float) -> float:
    # Rounded, so that the last bit of a maths library cannot reach the log (law 5).
    return round(1 / (1 + math.exp(-logit)), 4)
