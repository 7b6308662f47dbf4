"""What was seen of drift in one replication, beside what was true: plain data."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from simulator.analysis.detection import Alarm, Watched, watched_of
from simulator.analysis.frames import Floats, Mask, Patients
from simulator.clinic.journal import Journal
from simulator.language.form import ScenarioForm
from twin.events import DriftReported

_TRUE: Final = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "prevalence")


def drift_of(scenario: ScenarioForm, journal: Journal) -> dict[str, Any]:
    """Return streams, alarms and label-free estimates; empty where nothing watches.

    With the patients who had arrived by each alarm, and before each shift: delays are told in
    cases, too.

    An estimate is of the latest cases before its epoch. The truth about them stands beside it
    where one stack with the same learners answered them all: only then both are about the same.
    """
    reports = [one for one in journal.stack_events if isinstance(one, DriftReported)]
    if scenario.drift is None or not reports:
        return {}
    patients = Patients(scenario, journal)
    truth = _Truth(patients, scenario.drift.window_cases)
    arrivals_min = patients.column("arrival_min").tolist()
    watched = watched_of(reports, arrivals_min)
    return {
        "watched_min": max(watched.epochs_min),
        "epochs_min": list(watched.epochs_min),
        "streams": sorted(watched.streams),
        "alarms": [[one.detector, one.stream, one.at_min] for one in watched.alarms],
        "alarm_cases": [one.cases for one in watched.alarms],
        # Patients before the onset of each shift.
        "onset_cases": [bisect_left(arrivals_min, shift.at_min) for shift in scenario.shifts],
        "estimates": [
            {
                "at_min": report.at_min,
                "metric": one.metric,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "valid": one.valid,
                "reason": one.reason,
                "true": truth.of(one.metric, report.at_min),
            }
            for report in reports
            for one in report.estimates
        ],
    }


def watched_in(drift: Mapping[str, Any]) -> Watched:
    """Return what one run's reports tell, from what `drift_of` kept of them."""
    return Watched(
        epochs_min=tuple(drift["epochs_min"]),
        streams=frozenset((by, stream) for by, stream in drift["streams"]),
        alarms=tuple(
            Alarm(detector=by, stream=stream, at_min=at_min, cases=cases)
            for (by, stream, at_min), cases in zip(
                drift["alarms"], drift["alarm_cases"], strict=True
            )
        ),
    )


class _Truth:
    """True figures of the latest cases before a time."""

    def __init__(self, patients: Patients, cases: int) -> None:
        known = ~np.isnan(patients.column("p_malignant")) & ~np.isnan(patients.column("malignant"))
        self._at_min = patients.column("arrival_min")[known]
        self._ill = patients.column("malignant")[known] > 0
        self._flagged = patients.column("flagged")[known] > 0
        self._stack = patients.column("stack")[known]
        self._lacks = patients.column("missing")[known]
        self._cases = cases

    def of(self, metric: str, at_min: float) -> float | None:
        """Return a figure; None where it has no ground, or several stacks answered."""
        last = int(np.searchsorted(self._at_min, at_min))
        here = slice(max(0, last - self._cases), last)
        if metric not in _TRUE or last == 0 or not self._one_stack(here):
            return None
        return _figure(metric, self._ill[here], self._flagged[here])

    def _one_stack(self, here: slice) -> bool:
        return _all_same(self._stack[here]) and _all_same(self._lacks[here])


def _all_same(values: Floats) -> bool:
    known = np.nan_to_num(values, nan=-1.0)
    return bool((known == known[0]).all())


def _figure(metric: str, ill: Mask, flagged: Mask) -> float | None:
    if metric == "prevalence":
        return float(ill.mean())
    if metric == "accuracy":
        return float((ill == flagged).mean())
    shares: Sequence[float | None] = (
        float(flagged[ill].mean()) if ill.any() else None,
        float((~flagged[~ill]).mean()) if not ill.all() else None,
    )
    sensitivity, specificity = shares
    if metric == "balanced_accuracy":
        return None if None in shares else (sensitivity + specificity) / 2  # type: ignore[operator]
    return sensitivity if metric == "sensitivity" else specificity
