"""What lesions of each diagnosis look like: distributions over the renderer's controls.

Controls are correlated normal deviates that a link turns into what the renderer takes. Diagnoses
differ in the medians of the lesion's own controls and a little in the skin around, and overlap;
how the picture was taken does not depend on the diagnosis, or a classifier could tell the camera
instead of the lesion. Site and sex move hair and the texture of the skin.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.cases.lesion_tables import (
    CORRELATIONS,
    DIAGNOSES,
    LESIONS,
    PHOTOGRAPHS,
    SUN,
    WAYS,
)
from twin.dermoscopy.recipe import LesionRecipe

# Early melanomas look like nevi and atypical nevi like melanomas: one draw per lesion moves all
# its signs together, in units of the way from nevus to melanoma. Assumption.
_ATYPIA: Final = 0.25

# Added to the median in logits. Where terminal hair, facial follicles and the ridges of palms
# and soles are is anatomy; how much of them is an assumption.
_OF_SITE: Final[Mapping[str, Mapping[str, float]]] = {
    "scalp": {"hair": 1.5, "follicles": 0.8},
    "face": {"hair": -0.8, "follicles": 1.8, "redness": 0.4, "freckles": 0.4},
    "ear": {"hair": -0.3, "follicles": 0.8},
    "neck": {"redness": 0.3, "follicles": 0.4},
    "chest": {"hair": 0.4, "freckles": 0.3},
    "back": {"hair": 0.1, "freckles": 0.3},
    "lower extremity": {"hair": 0.3, "lines": 0.2},
    "upper extremity": {"hair": 0.2, "freckles": 0.2},
    "hand": {"lines": 0.6},
    "genital": {"hair": 0.3, "lines": 0.3},
    "foot": {"hair": -0.8, "ridges": 1.5},
    "acral": {"hair": -3.0, "ridges": 3.0},
}
_NEXT_TO_NOTHING: Final = 0.015  # share of a lesion: a few pixels, that would take time to render
_MORE_HAIR_OF_MEN: Final = 0.25  # in logits to each side of the median: assumption


def _fraction(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _rare(logit: float) -> float:
    """Return 0 for all below the median: most lesions have nothing of it."""
    return max(0.0, 2 * _fraction(logit) - 1)


def _seldom(logit: float) -> float:
    """Return 0 where there would be next to nothing."""
    fraction = _fraction(logit)
    return fraction if fraction > _NEXT_TO_NOTHING else 0.0


def _signed(logit: float) -> float:
    return 2 * _fraction(logit) - 1


def _ruler(deviate: float) -> float:
    """Return 0 in three quarters of the pictures, otherwise an even share of the range."""
    return max(0.0, 4 * (0.5 * (1 + math.erf(deviate / math.sqrt(2))) - 0.75))


_LINKS: Final[Mapping[str, Callable[[float], float]]] = {
    "radius": lambda logit: 0.15 + 0.8 * _fraction(logit),
    "light": lambda logit: 0.5 + 1.2 * _fraction(logit),
    "ruler": _ruler,
    **dict.fromkeys(("warmth", "tint", "saturation", "contrast"), _signed),
    **dict.fromkeys(("milia", "arbors", "ulceration", "scale", "lacunae", "patch"), _rare),
    **dict.fromkeys(("ridges", "follicles", "freckles", "hair", "bubbles", "glare"), _rare),
    "corners": _rare,
    **dict.fromkeys(("veil", "regression"), _seldom),
}
_NAMES: Final = (*LESIONS, *PHOTOGRAPHS)


def recipe_of(
    draws: np.random.Generator,
    diagnosis: str,
    tone_ita_deg: float,
    *,
    site: str = "",
    sex: str = "",
    ways: Sequence[float] = WAYS,
) -> LesionRecipe:
    """Draw what is seen of a lesion. Each value takes its draws in turn, whatever the diagnosis.

    Parameters:
        diagnosis: one of `lesion_tables.DIAGNOSES`.
        tone_ita_deg: individual typology angle of the skin.
        site: in the words of the ISIC archive; hair and texture of the skin follow it.
        sex: "female" or "male"; hair follows it.
        ways: shares of the ways of taking pictures; they sum to 1.
    """
    column = DIAGNOSES.index(diagnosis)
    seed = int(draws.integers(2**63))
    way = int(np.searchsorted(np.cumsum(ways), draws.random() * sum(ways), side="right"))
    atypia = _ATYPIA * draws.standard_normal()
    deviates = _factor() @ draws.standard_normal(len(_NAMES))
    moved = dict(_OF_SITE.get(site, {}))
    hairier = {"male": _MORE_HAIR_OF_MEN, "female": -_MORE_HAIR_OF_MEN}.get(sex, 0.0)
    moved["hair"] = moved.get("hair", 0.0) + hairier
    control: dict[str, float] = {}
    for name, deviate in zip(_NAMES, deviates.tolist(), strict=True):
        if name in LESIONS:
            medians, spread = LESIONS[name]
            median = medians[column] + atypia * _way_to_melanoma(medians)
        else:
            median, spread = PHOTOGRAPHS[name][min(way, len(ways) - 1)]
            if name in SUN:
                median += SUN[name][column]
        value = _LINKS.get(name, _fraction)(median + moved.get(name, 0.0) + spread * deviate)
        # Rounded, so that the last bit of a maths library cannot reach the log (law 5).
        control[name] = round(value, 4)
    return LesionRecipe(seed=seed, tone_ita_deg=round(float(tone_ita_deg), 4), **control)


def _way_to_melanoma(medians: tuple[float, ...]) -> float:
    return medians[DIAGNOSES.index("melanoma")] - medians[DIAGNOSES.index("nevus")]


@cache
def _factor() -> NDArray[np.float64]:
    """Return the Cholesky factor of the correlations between all controls."""
    matrix = np.eye(len(_NAMES))
    for (one, other), correlation in CORRELATIONS.items():
        matrix[_NAMES.index(one), _NAMES.index(other)] = correlation
        matrix[_NAMES.index(other), _NAMES.index(one)] = correlation
    return np.asarray(np.linalg.cholesky(matrix), np.float64)
