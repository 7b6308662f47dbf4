"""Curves of one replication: queues and staff over time, and quantiles of waits."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.analysis.frames import Floats, Mask, Patients, Visits, window_of
from simulator.clinic.journal import Journal
from simulator.clinic.pools import State
from simulator.clinic.staffing import capacity_changes
from simulator.experiment.result import Curves
from simulator.experiment.spells import prevalence_spells
from simulator.language.form import ScenarioForm

SPELLS: Final = 168  # of a plot: hours of a week; assumption: more is not seen on a screen
_PERCENT: Final = np.linspace(0, 1, 101)
_SHOWN: Final = 6  # significant digits of a curve


def curves_of(scenario: ScenarioForm, journal: Journal, warmup_min: float = 0.0) -> Curves:
    """Return the curves; those over time span the whole run, warm-up included."""
    end_min = window_of(scenario, journal, 0.0).to_min
    if not end_min > 0:
        return Curves()
    edges = np.linspace(0.0, end_min, SPELLS + 1)
    patients = Patients(scenario, journal)
    arrival_min, closed_min = patients.column("arrival_min"), patients.column("closed_min")
    queue: dict[str, list[float]] = {}
    busy: dict[str, Floats] = {name: np.zeros(SPELLS) for name in scenario.staff}
    quantiles: dict[str, dict[str, list[float]]] = {}
    window = window_of(scenario, journal, warmup_min)
    for node in scenario.staffed():
        visits = Visits(journal.visits[node.id])
        start_min, end = visits.column("start_min"), visits.column("end_min")
        until = np.where(np.isnan(start_min), end, start_min)
        entered = ~(visits.was(State.BLOCKED) | visits.was(State.BALKED))
        queue[node.id] = _plain(level(visits.queued_min[entered], until[entered], edges))
        begun = ~np.isnan(start_min)
        working = level(start_min[begun], end[begun], edges)
        for name in node.staff:
            busy[name] += working
        counted = window.has(visits.queued_min) & visits.was(State.DONE)
        waited_min = visits.column("waited_min")
        owners, times = visits.patient[counted], waited_min[counted]
        quantiles[f"wait.{node.id}"] = _by_class(patients, _picking(owners, times))
    inside = window.has(arrival_min) & ~np.isnan(closed_min)
    early = patients.column("left_early") > 0
    diagnosed_min = patients.column("diagnosed_min")
    to_diagnosis = np.where(np.isnan(diagnosed_min), closed_min, diagnosed_min) - arrival_min
    quantiles["time_to_diagnosis"] = _by_class(
        patients, lambda mask: to_diagnosis[inside & ~early & mask]
    )
    return Curves(
        at_min=_plain((edges[:-1] + edges[1:]) / 2),
        in_system=_plain(level(arrival_min, closed_min, edges)),
        queue=queue,
        busy={name: _plain(values) for name, values in busy.items()},
        duty={name: _plain(duty(scenario, name, edges)) for name in scenario.staff},
        quantiles=quantiles,
        prevalence=prevalence_spells(scenario, journal, warmup_min),
    )


def warmup_series(scenario: ScenarioForm, journal: Journal, spells: int) -> NDArray[np.float64]:
    """Return the number of patients in the clinic, averaged over equal spells of the run."""
    end_min = window_of(scenario, journal, 0.0).to_min
    patients = Patients(scenario, journal)
    edges = np.linspace(0.0, end_min, spells + 1)
    return level(patients.column("arrival_min"), patients.column("closed_min"), edges)


def level(from_min: Floats, to_min: Floats, edges: Floats) -> Floats:
    """Return how many spells are open at a time, averaged between consecutive edges.

    Parameters:
        from_min: beginnings, shape (n,).
        to_min: ends, shape (n,); not-a-number for one that is still open.
        edges: increasing, shape (k + 1,).

    >>> level(np.array([0.0, 1.0]), np.array([4.0, np.nan]), np.array([0.0, 2.0, 4.0])).tolist()
    [1.5, 2.0]
    """
    ends = np.sort(to_min[~np.isnan(to_min)])
    begins = np.sort(from_min)
    return (_area(begins, edges) - _area(ends, edges)) / np.diff(edges)


def _area(moments: Floats, edges: Floats) -> Floats:
    """Return, between consecutive edges, the integral of how many moments have passed."""
    sums = np.concatenate([[0.0], np.cumsum(moments)])
    passed = np.searchsorted(moments, edges)
    # The integral from 0 to t of the count is the sum of t - moment over moments before t.
    return np.diff(passed * edges - sums[passed])


def duty(scenario: ScenarioForm, name: str, edges: Floats) -> Floats:
    """Return how many of a staff group are on duty, averaged between consecutive edges."""
    end_min = float(edges[-1])
    steps = list(capacity_changes(scenario.staff[name], scenario.start_min, end_min))
    at = np.array([moment for moment, _ in steps])
    people = np.array([count for _, count in steps], dtype=float)
    areas = np.concatenate([[0.0], np.cumsum(np.diff(np.append(at, end_min)) * people)])
    place = np.clip(np.searchsorted(at, edges, side="right") - 1, 0, len(at) - 1)
    total = areas[place] + (edges - at[place]) * people[place]
    return np.asarray(np.diff(total) / np.diff(edges))


def _by_class(patients: Patients, pick: Callable[[Mask], Floats]) -> dict[str, list[float]]:
    everyone: Mapping[str, Mask] = {"all": np.ones(len(patients), dtype=bool)}
    masks = {**everyone, **{v: mask for key, v, mask in patients.groups() if key == "class"}}
    found = {}
    for name, mask in masks.items():
        minutes = pick(mask)
        if len(minutes):
            found[name] = _plain(np.quantile(minutes, _PERCENT))
    return found


def _picking(owners: NDArray[np.int64], times: Floats) -> Callable[[Mask], Floats]:
    return lambda mask: np.asarray(times[mask[owners]])


def _plain(values: Floats) -> list[float]:
    return [float(f"{value:.{_SHOWN}g}") for value in values]
