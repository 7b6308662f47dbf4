"""The filter upstream: who of those who seek care comes to the clinic at all."""

from collections.abc import Callable
from functools import cache
from typing import Protocol

from simulator.cases.regimes import Populations, Regime
from simulator.draws.uniforms import Uniforms
from simulator.language.populations import ReferralSpec
from twin.groups import GROUP_OF_TONE


class _Patient(Protocol):
    key: int
    regime: Regime
    malignant: bool | None
    sex: str | None
    skin_tone: str | None


def referral(
    populations: Populations, seed: int, replication: int, patient_class: str
) -> Callable[[_Patient], bool]:
    """Return what tells whether a patient comes.

    Each patient has one uniform number, and comes if it is below the product of the factors: so
    another referral moves some patients and leaves all else about everyone as it was (law 9).
    """
    uniforms = Uniforms(seed, replication, f"population.referral.{patient_class}")

    @cache
    def probability(
        regime: Regime, malignant: bool, skin_tone: str | None, sex: str | None
    ) -> float:
        spec = populations.of(regime).referral
        return 1.0 if spec is None else probability_of(spec, malignant, skin_tone, sex)

    def comes(patient: _Patient) -> bool:
        ill = bool(patient.malignant)
        likely = probability(patient.regime, ill, patient.skin_tone, patient.sex)
        return uniforms[patient.key] < likely

    return comes


def probability_of(
    spec: ReferralSpec, malignant: bool, skin_tone: str | None, sex: str | None
) -> float:
    """Return how likely a patient is referred; who has no such fact has no such factor.

    >>> probability_of(ReferralSpec(benign=0.4, skin_tone={"V-VI": 0.5}), False, "VI", "male")
    0.2
    """
    factors: dict[str, float] = {str(group): share for group, share in spec.skin_tone.items()}
    sexes: dict[str, float] = {str(one): share for one, share in spec.sex.items()}
    return (
        (spec.malignant if malignant else spec.benign)
        * factors.get(GROUP_OF_TONE.get(skin_tone or "", ""), 1.0)
        * sexes.get(sex or "", 1.0)
    )
