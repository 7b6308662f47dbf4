"""The filter upstream: who of those who seek care comes to the clinic at all."""

from collections.abc import Callable
from typing import Final, Protocol

from simulator.cases.population import SKIN_TONES
from simulator.cases.regimes import Populations, Regime
from simulator.draws.uniforms import Uniforms
from simulator.language.populations import ReferralSpec

_GROUP_OF: Final = {tone: group for group, tones in SKIN_TONES.items() for tone in tones}


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

    def comes(patient: _Patient) -> bool:
        spec = populations.of(patient.regime).referral
        return spec is None or uniforms[patient.key] < probability_of(spec, patient)

    return comes


def probability_of(spec: ReferralSpec, patient: _Patient) -> float:
    """Return how likely a patient is referred; who has no such fact has no such factor."""
    factors: dict[str, float] = {str(group): share for group, share in spec.skin_tone.items()}
    sexes: dict[str, float] = {str(sex): share for sex, share in spec.sex.items()}
    return (
        (spec.malignant if patient.malignant else spec.benign)
        * factors.get(_GROUP_OF.get(patient.skin_tone or "", ""), 1.0)
        * sexes.get(patient.sex or "", 1.0)
    )
