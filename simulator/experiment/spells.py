"""Malignant patients and all patients by time of arrival, beside how many the scenario expects."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from simulator.analysis.frames import Floats, Patients
from simulator.analysis.prevalence import chance_at
from simulator.clinic.journal import Journal
from simulator.language.form import ScenarioForm
from simulator.language.load import rate_of
from simulator.language.periods import periods

SPELLS: Final = 40  # about so many; assumption: more points with intervals are not read
_DIGITS: Final = 10  # significant, of an expected number


def prevalence_spells(
    scenario: ScenarioForm, journal: Journal, warmup_min: float
) -> dict[str, Sequence[float]]:
    """Return counts by spell of arrival: from_min, to_min, patients, malignant, expected.

    Empty where nothing shifts or where there is no truth. `expected` is how many of those who
    came should be malignant, each with the chance of the time and class; empty where the scenario
    does not say it. Spells are the same in all replications, and none spans two periods, or the
    end of the warm-up.
    """
    if not scenario.shifts or not scenario.has_truth():
        return {}
    patients = Patients(scenario, journal)
    malignant = patients.column("malignant")
    known = ~np.isnan(malignant)
    at_min, ill = patients.column("arrival_min")[known], malignant[known] > 0
    edges = spell_edges(scenario, warmup_min, journal.arrived)
    # Where a count ends the run, some may come after the time at which it should be reached.
    within = np.array([*edges[:-1], np.inf])

    def counted(weights: Floats) -> list[float]:
        return [
            float(f"{one:.{_DIGITS}g}") for one in np.histogram(at_min, within, weights=weights)[0]
        ]

    expected: list[float] = []
    chance = np.full(len(at_min), np.nan)
    codes = patients.column("class")[known]
    for one in scenario.patient_classes:
        of_class = codes == journal.words["class"].get(one.id, -1)
        found = chance_at(scenario, one, at_min[of_class])
        if found is not None:
            chance[of_class] = found
    if not np.isnan(chance).any():
        expected = counted(chance)
    return {
        "from_min": edges[:-1],
        "to_min": edges[1:],
        "patients": counted(np.ones(len(at_min))),
        "malignant": counted(ill.astype(float)),
        "expected": expected,
    }


def spell_edges(scenario: ScenarioForm, warmup_min: float, arrived: int) -> list[float]:
    """Return the edges of the spells in minutes, increasing, from 0.

    Parameters:
        arrived: how many came; where there is no horizon, they and their mean rate tell the end.
    """
    parts = periods(scenario)
    end_min = scenario.horizon_min
    if end_min is None:
        rate_per_min = sum(rate_of(scenario, one) for one in scenario.patient_classes)
        last_min = parts[-1].from_min
        # The last period has a spell even if the patients should run out before it; assumption.
        end_min = max(arrived / rate_per_min if rate_per_min else 0.0, last_min * 1.05 + 1.0)
    cuts = {0.0, end_min, *(part.from_min for part in parts)}
    if 0 < warmup_min < end_min:
        cuts.add(float(warmup_min))
    edges = [0.0]
    for from_min, to_min in pairwise(sorted(cuts)):
        pieces = max(1, round(SPELLS * (to_min - from_min) / end_min))
        edges += np.linspace(from_min, to_min, pieces + 1)[1:].tolist()
    return edges
