"""The AI before, right after, and some time after something shifted, in one replication."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from simulator.analysis.frames import Patients, window_of
from simulator.analysis.tally import tally
from simulator.clinic.journal import Journal
from simulator.language.calendar import DAY_MIN
from simulator.language.form import ScenarioForm
from simulator.language.periods import BEFORE, periods

SETTLED_MIN: Final = 14 * DAY_MIN  # from the onset, by when a re-stacked twin should have recovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """A steady period after the first shift began, and since when things have moved towards it."""

    name: str  # of the period
    onset_min: float  # of the ramp that leads to it
    from_min: float  # when it is reached
    to_min: float


def onsets(scenario: ScenarioForm) -> list[Onset]:
    """Return the steady periods after the first shift began, in order."""
    parts = periods(scenario)
    return [
        Onset(
            name=part.name,
            onset_min=part.from_min if before.steady else before.from_min,
            from_min=part.from_min,
            to_min=part.to_min,
        )
        for before, part in pairwise([*parts[:1], *parts])
        if part.steady and part.name != BEFORE
    ]


def loop_windows(
    scenario: ScenarioForm, journal: Journal, warmup_min: float, settled_min: float = SETTLED_MIN
) -> list[Any]:
    """Return a row for each steady period: tallies before the first shift, after, and later.

    Parameters:
        settled_min: from the onset on; patients who arrive later make the last tally.
    """
    window, patients = window_of(scenario, journal, warmup_min), Patients(scenario, journal)
    arrival_min, p_malignant = patients.column("arrival_min"), patients.column("p_malignant")
    malignant, flagged = patients.column("malignant"), patients.column("flagged") > 0
    known = window.has(arrival_min) & ~np.isnan(p_malignant) & ~np.isnan(malignant)
    known &= ~np.isnan(patients.column("closed_min"))

    def between(from_min: float, to_min: float) -> dict[str, Any]:
        here = known & (arrival_min >= from_min) & (arrival_min < to_min)
        return tally(malignant[here] > 0, flagged[here], p_malignant[here]).as_dict()

    rows = []
    found = onsets(scenario)
    for one in found:
        to_min = min(one.to_min, window.to_min)
        late_min = max(one.from_min, one.onset_min + settled_min)
        rows.append(
            {
                "period": one.name,
                "onset_min": one.onset_min,
                "from_min": one.from_min,
                "late_min": late_min,
                "to_min": to_min,
                "before": between(window.from_min, found[0].onset_min),
                "after": between(one.from_min, to_min),
                "late": between(late_min, to_min),
            }
        )
    return rows
