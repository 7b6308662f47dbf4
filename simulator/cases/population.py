"""Who comes to the clinic: patients, their lesions, and the truth about them.

The truth stays here (law 8): what leaves for the twin is a recipe of what can be seen. Each
attribute has a random stream of its own, and a diagnosis shifts the same draws, so a change of
prevalence turns some cases and leaves everything else about everyone as it was (law 9).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulator.cases.lesion_recipes import recipe_of
from simulator.draws.streams import stream
from simulator.language.ham10000 import SEXES, SITES
from simulator.language.populations import MALIGNANT, PopulationSpec
from twin.errors import ScenarioError
from twin.groups import SKIN_TONES
from twin.images import SyntheticRef

# Individual typology angle in degrees: the six classes of Chardon et al. 1991 and Del Bino and
# Bernerd 2013 (doi:10.1111/bjd.12529), cut at the ends. That they stand for Fitzpatrick's six
# types one by one is an assumption, though a common one.
_ITA_DEG: Final[Mapping[str, tuple[float, float]]] = {
    "I": (55, 68),
    "II": (41, 55),
    "III": (28, 41),
    "IV": (10, 28),
    "V": (-30, 10),
    "VI": (-50, -30),
}

# Counts in HAM10000 (Tschandl et al. 2018, doi:10.1038/sdata.2018.161). Its benign keratoses all
# pass as seborrhoeic ones here, its actinic keratoses are malignant with Bowen's disease among
# them, and that site and sex do not depend on the diagnosis is an assumption.
_DIAGNOSES: Final[Mapping[bool, Mapping[str, int]]] = {
    False: {
        "nevus": 6705,
        "seborrheic_keratosis": 1099,
        "vascular_lesion": 142,
        "dermatofibroma": 115,
    },
    True: {"melanoma": 1113, "basal_cell_carcinoma": 514, "actinic_keratosis": 327},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticCase:
    """A patient with one lesion, as only the simulator knows them."""

    case_id: str
    malignant: bool  # the truth
    diagnosis: str  # as simulator/language/populations.py names it
    image: SyntheticRef
    age: int  # years
    sex: str  # "female" or "male"
    site: str  # ISIC vocabulary
    skin_tone: str  # Fitzpatrick type, "I" to "VI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A population to draw patients from.

    Raises:
        ScenarioError: a share is not within 0 to 1, skin tones do not sum to 1 or are unknown, or
            an age makes no sense.
    """

    prevalence: float  # share of malignant lesions, 0 to 1
    skin_tone: Mapping[str, float]  # Fitzpatrick group -> share; shares sum to 1
    age_mean: float  # years
    age_sd: float  # years
    # Shares of the diagnoses within the benign (False) and the malignant (True), and those of sexes
    # and sites; they need not sum to 1.
    diagnoses: Mapping[bool, Mapping[str, float]] = field(default_factory=lambda: _DIAGNOSES)
    sex: Mapping[str, float] = field(default_factory=lambda: SEXES)
    site: Mapping[str, float] = field(default_factory=lambda: SITES)

    def __post_init__(self) -> None:
        _require(0 <= self.prevalence <= 1, "prevalence", "must be within 0 and 1")
        for group, share in self.skin_tone.items():
            known = ", ".join(SKIN_TONES)
            _require(group in SKIN_TONES, f"skin_tone.{group}", f"no such group: use {known}")
            _require(0 <= share <= 1, f"skin_tone.{group}", "must be within 0 and 1")
        total = math.fsum(self.skin_tone.values())
        _require(abs(total - 1) < 1e-6, "skin_tone", f"shares sum to {total:g}, not to 1")
        _require(0 < self.age_mean < 120, "age.mean", "must be within 0 and 120 years")
        _require(0 <= self.age_sd < 120, "age.sd", "must be within 0 and 120 years")

    def draw(self, seed: int, replication: int, case_id: str) -> SyntheticCase:
        """Return a patient; the same arguments give the same one.

        >>> clinic = Population(
        ...     prevalence=0.1, skin_tone={"I-II": 0.6, "V-VI": 0.4}, age_mean=52, age_sd=17
        ... )
        >>> clinic.draw(1, 0, "c7") == clinic.draw(1, 0, "c7")
        True
        """

        def of(name: str) -> np.random.Generator:
            return stream(seed, replication, f"population.{name}", case_id)

        malignant = bool(of("truth").random() < self.prevalence)
        diagnosis = _pick(of("diagnosis"), self.diagnoses[malignant])
        tone = of("skin_tone")
        group = _pick(tone, {key: self.skin_tone.get(key, 0.0) for key in SKIN_TONES})
        skin_tone = SKIN_TONES[group][int(tone.integers(2))]
        low, high = _ITA_DEG[skin_tone]
        sex, site = _pick(of("sex"), self.sex), _pick(of("site"), self.site)
        tone_ita_deg = tone.uniform(low, high)
        recipe = recipe_of(of("image"), diagnosis, tone_ita_deg, site=site, sex=sex)
        return SyntheticCase(
            case_id=case_id,
            malignant=malignant,
            diagnosis=diagnosis,
            image=SyntheticRef(recipe=recipe),
            age=int(np.clip(round(of("age").normal(self.age_mean, self.age_sd)), 1, 100)),
            sex=sex,
            site=site,
            skin_tone=skin_tone,
        )


def diagnoses_of(spec: PopulationSpec) -> dict[bool, dict[str, float]]:
    """Return the shares of the diagnoses within the benign (False) and within the malignant."""
    told = {str(name): share for name, share in (spec.diagnoses or {}).items()}
    found = {}
    for malignant, counts in _DIAGNOSES.items():
        own = {name: share for name, share in told.items() if (name in MALIGNANT) == malignant}
        found[malignant] = _ordered(own, counts)
    return found


def sexes_of(spec: PopulationSpec) -> dict[str, float]:
    """Return the share of each sex."""
    return _ordered({str(name): share for name, share in (spec.sex or {}).items()}, SEXES)


def sites_of(spec: PopulationSpec) -> dict[str, float]:
    """Return the share of each body site."""
    return _ordered(spec.site or {}, SITES)


def tones_of(spec: PopulationSpec) -> dict[str, float]:
    """Return the share of each Fitzpatrick type, alike within its group."""
    return {
        tone: spec.skin_tone.get(group, 0.0) / len(types)  # type: ignore[call-overload]
        for group, types in SKIN_TONES.items()
        for tone in types
    }


def _ordered(told: Mapping[str, float], counts: Mapping[str, int]) -> dict[str, float]:
    """Return what is told, or else the counts, in the order of these.

    One order for all: so a small change of the shares turns few patients, however it is written.
    """
    if not told:
        return {name: float(count) for name, count in counts.items()}
    names = [*(name for name in counts if name in told), *sorted(set(told) - set(counts))]
    return {name: told[name] for name in names}


def _require(holds: bool, key: str, reason: str) -> None:
    if not holds:
        raise ScenarioError("population", 0, key, reason)


def _pick(draws: np.random.Generator, weights: Mapping[str, float]) -> str:
    edges = np.cumsum(list(weights.values()))
    place = np.searchsorted(edges, draws.random() * edges[-1], side="right")
    return list(weights)[int(min(place, len(weights) - 1))]
