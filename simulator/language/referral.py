"""Who of those who seek care comes to the clinic, in the long run.

Truth, skin tone and sex are independent of each other in a population, so the means of a referral's
factors multiply, and only the factors of the truth change the prevalence.
"""

from simulator.language.ham10000 import SEXES
from simulator.language.populations import PopulationSpec


def referred_share(spec: PopulationSpec | None) -> float:
    """Return the share of those who seek care who come; 1 without a filter.

    >>> referred_share(
    ...     PopulationSpec.model_validate(
    ...         {"prevalence": 0.1, "referral": {"malignant": 0.8, "benign": 0.2}}
    ...     )
    ... )
    0.26
    """
    if spec is None or spec.referral is None:
        return 1.0
    referral = spec.referral
    of_truth = spec.prevalence * referral.malignant + (1 - spec.prevalence) * referral.benign
    of_tone = sum(tones_of_referred(spec).values())
    of_sex = sum(sexes_of_referred(spec).values()) / sum((spec.sex or SEXES).values())
    return of_truth * of_tone * of_sex


def sexes_of_referred(spec: PopulationSpec) -> dict[str, float]:
    """Return how often each sex is among those who come, up to a common factor."""
    factors = {} if spec.referral is None else spec.referral.sex
    known = {str(sex): share for sex, share in factors.items()}
    return {str(sex): n * known.get(sex, 1.0) for sex, n in (spec.sex or SEXES).items()}


def tones_of_referred(spec: PopulationSpec) -> dict[str, float]:
    """Return how often each group of skin tones is among those who come, likewise."""
    factors = {} if spec.referral is None else spec.referral.skin_tone
    return {str(group): n * factors.get(group, 1.0) for group, n in spec.skin_tone.items()}


def prevalence_of_referred(spec: PopulationSpec) -> float:
    """Return the share of malignant lesions among those who come (Bayes)."""
    if spec.referral is None:
        return spec.prevalence
    malignant = spec.prevalence * spec.referral.malignant
    benign = (1 - spec.prevalence) * spec.referral.benign
    return malignant / (malignant + benign) if malignant else 0.0
