"""A bank of rendered lesions is drawn from all populations of its scenario in turns.

So a shift to older patients, or to diagnoses that nobody had before, finds its patients there. What
an entry weighs in a population is how likely it is there, over how likely it is in the mixture
(A. B. Owen, Y. Zhou (2000), Safe and effective importance sampling, Journal of the American
Statistical Association 95(449), 135-143): so facts that are independent of each other in a
population are so among its patients, too.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.cases.bank import Bank
from simulator.cases.bank_wanted import reachable
from simulator.cases.population import diagnoses_of, sexes_of, sites_of
from simulator.cases.regimes import Populations
from simulator.language.populations import AgeSpec, PopulationSpec
from simulator.language.schema import Scenario

_YOUNGEST, _OLDEST = 1, 100  # years; where simulator/cases/population.py cuts


def sources_of(scenario: Scenario) -> list[PopulationSpec]:
    """Return the populations whose ages, sexes, sites or diagnoses differ; the first class's first.

    Their prevalence and skin tones are of no meaning: a bank has these in turns.
    """
    horizon_min = float("inf") if scenario.horizon_min is None else scenario.horizon_min
    found: list[PopulationSpec] = []
    plain = {"prevalence": 0.5, "skin_tone": {"I-II": 1.0}, "referral": None}
    for one in scenario.patient_classes:
        base = scenario.population_of(one)
        assert base is not None  # rendered lesions are of a population
        populations = Populations(base, scenario.shifts)
        for regime in reachable(scenario.shifts, horizon_min):
            spec = populations.of(regime).model_copy(update=plain)
            if spec not in found:
                found.append(spec)
    return found


def importance(
    bank: Bank, spec: PopulationSpec, sources: Sequence[PopulationSpec]
) -> NDArray[np.float64]:
    """Return what each entry weighs in a population, shape (n,), before any margin is met.

    Parameters:
        sources: of the bank, each of which gave as many entries.
    """
    if len(sources) == 1:
        return np.ones(len(bank))
    mixture = np.mean([_likelihood(bank, one) for one in sources], axis=0)
    # Rounded: the last bit of a maths library must not reach a digest (law 5).
    return np.asarray(np.round(_likelihood(bank, spec) / mixture, 9))


def _likelihood(bank: Bank, spec: PopulationSpec) -> NDArray[np.float64]:
    """Return how likely each entry's facts are in a population, given truth and skin tone."""
    diagnoses = {truth: _shares(counts) for truth, counts in diagnoses_of(spec).items()}
    sex, site = _shares(sexes_of(spec)), _shares(sites_of(spec))
    words = zip(bank.malignant.tolist(), bank.diagnosis, bank.sex, bank.site, strict=True)
    of_words = np.array(
        [
            diagnoses[truth](diagnosis) * sex(one_sex) * site(one_site)
            for truth, diagnosis, one_sex, one_site in words
        ]
    )
    return np.asarray(of_words * _of_age(spec.age, bank.age.astype(np.float64)))


def _shares(weights: Mapping[str, float]) -> Callable[[str | None], float]:
    total = sum(weights.values())
    return lambda word: weights.get(word or "", 0.0) / total


def _of_age(spec: AgeSpec, age: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    sd = max(spec.sd, 1e-6)  # a step, where all are of one age
    below = ndtr((age - 0.5 - spec.mean) / sd)
    up_to = ndtr((age + 0.5 - spec.mean) / sd)
    below[age <= _YOUNGEST] = 0.0
    up_to[age >= _OLDEST] = 1.0
    return np.asarray(up_to - below)
