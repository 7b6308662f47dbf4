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
    sexes = {str(sex): float(share) for sex, share in (spec.sex or SEXES).items()}
    factors = {str(sex): share for sex, share in referral.sex.items()}
    of_truth = spec.prevalence * referral.malignant + (1 - spec.prevalence) * referral.benign
    of_tone = sum(
        share * referral.skin_tone.get(group, 1.0) for group, share in spec.skin_tone.items()
    )
    of_sex = sum(share * factors.get(sex, 1.0) for sex, share in sexes.items())
    return of_truth * of_tone * (of_sex / sum(sexes.values()))


def prevalence_of_referred(spec: PopulationSpec) -> float:
    """Return the share of malignant lesions among those who come (Bayes)."""
    if spec.referral is None:
        return spec.prevalence
    malignant = spec.prevalence * spec.referral.malignant
    benign = (1 - spec.prevalence) * spec.referral.benign
    return malignant / (malignant + benign) if malignant else 0.0
