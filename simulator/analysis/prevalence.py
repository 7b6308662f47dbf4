"""The true share of malignant lesions among those who come, at any time, as the scenario says it.

Nothing here looks at a run: it is what measured prevalence is held against.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from simulator.analysis.frames import Floats
from simulator.language.cases import ImageCases
from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.load import rate_of
from simulator.language.populations import PopulationSpec
from simulator.language.referral import prevalence_of_referred, referred_share
from simulator.language.shifts import ShiftSpec


def chance_at(scenario: ScenarioForm, one: ClassSpec, at_min: Floats) -> Floats | None:
    """Return the chance that a patient of a class who comes at a time is malignant.

    Parameters:
        at_min: times of arrival, shape (n,).

    Returns None where the scenario does not say it: images that come as they are.

    Each shift reaches its share of those who seek care, whoever else another one reaches, so they
    are a mixture; a filter in front of the clinic lets a part of each component through, which
    changes the mixture as Bayes' theorem says.
    """
    flows = _flows(scenario, one, at_min)
    if flows is None:
        return None
    malignant, all_come = flows
    with np.errstate(invalid="ignore"):
        return np.asarray(malignant / all_come)


def prevalence_at(scenario: ScenarioForm, at_min: Floats) -> Floats | None:
    """Return the prevalence of all classes together, by their long-run mean arrivals, shape (n,).

    Returns None where the scenario does not say it, or where it does not say how many come.
    """
    malignant, all_come = np.zeros(len(at_min)), np.zeros(len(at_min))
    for one in scenario.patient_classes:
        flows, let_in = _flows(scenario, one, at_min), referred_share(_base(scenario, one))
        if flows is None:
            return None
        # The rate is of those who come before any shift; flows are of those who seek care.
        seek = rate_of(scenario, one) / let_in if let_in else 0.0
        malignant, all_come = malignant + seek * flows[0], all_come + seek * flows[1]
    return malignant / all_come if all_come.all() else None


def _flows(scenario: ScenarioForm, one: ClassSpec, at_min: Floats) -> tuple[Floats, Floats] | None:
    """Return how many malignant patients come, and how many in all, for each who seeks care."""
    base = _base(scenario, one)
    if base is None:
        return None
    shifts = [shift for shift in scenario.shifts if shift.population is not None]
    malignant, all_come = np.zeros(len(at_min)), np.zeros(len(at_min))
    for weight, spec in _components(base, shifts, at_min):
        come = weight * referred_share(spec)
        malignant += come * prevalence_of_referred(spec)
        all_come += come
    return malignant, all_come


def _base(scenario: ScenarioForm, one: ClassSpec) -> PopulationSpec | None:
    cases = scenario.cases
    if not isinstance(cases, ImageCases):
        return scenario.population_of(one)
    # Of a bank of images the prevalence is known if it is drawn for.
    if cases.population is None or cases.population.prevalence is None:
        return None
    return cases.population.applied_to(PopulationSpec())


def _components(
    base: PopulationSpec, shifts: Sequence[ShiftSpec], at_min: Floats
) -> Iterator[tuple[Floats, PopulationSpec]]:
    """Yield each population that some patients are of, and the share of them at each time."""
    reached = [np.array([one.reached_at(time) for time in at_min.tolist()]) for one in shifts]
    for inside in product((False, True), repeat=len(shifts)):
        weight, spec = np.ones(len(at_min)), base
        for is_in, share, shift in zip(inside, reached, shifts, strict=True):
            weight = weight * (share if is_in else 1 - share)
            if is_in and shift.population is not None:
                spec = shift.population.applied_to(spec)
        if weight.any():
            yield weight, spec
