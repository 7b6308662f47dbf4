"""A future in numbers: its axes over bins of time, and its figures as a whole."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.analysis.frames import Floats, Mask, Patients, Visits
from simulator.clinic.journal import Journal
from simulator.clinic.pools import State
from simulator.clinic.staffing import available_min, capacity_changes
from simulator.experiment.curves import duty, level
from simulator.language.schema import Scenario

BIOPSY: Final = "biopsy"  # the node at which biopsies are taken, where there is one
_NAN: Final = float("nan")
_WIDTHS_MIN: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)
_MOST_BINS: Final = 96  # assumption: a day in quarters of an hour; more is not seen on a screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is kept of one future."""

    series: dict[str, Floats]  # by axis; not-a-number where there is nothing to say
    metrics: dict[str, float]


def edges_of(from_min: float, span_min: float) -> Floats:
    """Return the edges of the bins: round widths, the last one cut at the end.

    >>> edges_of(30.0, 100.0).tolist()[-3:]
    [126.0, 128.0, 130.0]
    """
    wide = _WIDTHS_MIN[-1]
    width = next((w for w in _WIDTHS_MIN if span_min / w <= _MOST_BINS), wide)
    inner = np.arange(0.0, span_min, width)
    return np.asarray(from_min + np.append(inner, span_min))


def tell(scenario: Scenario, journal: Journal, edges: Floats) -> Told:
    """Return the axes of a run at or within the bins between `edges`, and its figures.

    `in_system` and `queue.NODE` are at the bins' ends; `arrivals`, `departures` and `biopsies` are
    counts within; `wait.NODE.mean` is of services that begin within, and `utilisation.STAFF` the
    share of the time on duty that is worked. Queues do not count interrupted services.
    """
    patients, ends = Patients(scenario, journal), edges[1:]
    arrival_min, closed_min = patients.column("arrival_min"), patients.column("closed_min")
    series = {
        "in_system": _present(arrival_min, closed_min, ends),
        "arrivals": _within(arrival_min, edges),
        "departures": _within(closed_min, edges),
    }
    metrics = {
        "arrivals": float(series["arrivals"].sum()),
        "departures": float(series["departures"].sum()),
        "in_system.end": float(series["in_system"][-1]),
    }
    busy = {name: np.zeros(len(ends)) for name in scenario.staff}
    biopsied = None
    for node in scenario.staffed():
        visits = Visits(journal.visits[node.id])
        start_min, end_min = visits.column("start_min"), visits.column("end_min")
        entered = ~(visits.was(State.BLOCKED) | visits.was(State.BALKED))
        until = np.where(np.isnan(start_min), end_min, start_min)
        queue = _present(visits.queued_min[entered], until[entered], ends)
        series[f"queue.{node.id}"] = queue
        metrics[f"queue.{node.id}.end"] = float(queue[-1])
        waits = visits.column("waited_min")
        begun = ~np.isnan(start_min)
        series[f"wait.{node.id}.mean"] = _means(start_min[begun], waits[begun], edges)
        metrics |= _waits(f"wait.{node.id}", waits[begun])
        working = level(start_min[begun], end_min[begun], edges)
        for name in node.staff:
            busy[name] += working
        if node.id == BIOPSY:
            biopsied = end_min[visits.was(State.DONE)]
    if scenario.decides():
        if biopsied is None:
            biopsied = closed_min[_referred(patients)]
        series["biopsies"] = _within(biopsied, edges)
        metrics["biopsies"] = float(series["biopsies"].sum())
    for name, working in busy.items():
        on_duty = duty(scenario, name, edges)
        with np.errstate(divide="ignore", invalid="ignore"):
            series[f"utilisation.{name}"] = np.where(on_duty > 1e-9, working / on_duty, _NAN)
        changes = capacity_changes(scenario.staff[name], scenario.start_min)
        duty_min = available_min(changes, float(edges[0]), float(edges[-1]))
        work_min = float((working * np.diff(edges)).sum())
        metrics[f"utilisation.{name}"] = work_min / duty_min if duty_min > 0 else _NAN
    return Told(series=series, metrics=metrics)


def counts_of(arrival_min: Floats, closed_min: Floats, edges: Floats) -> dict[str, Floats]:
    """Return the axes that a log can tell, too; `closed_min` is not-a-number of who is inside."""
    return {
        "in_system": _present(arrival_min, closed_min, edges[1:]),
        "arrivals": _within(arrival_min, edges),
        "departures": _within(closed_min, edges),
    }


def _referred(patients: Patients) -> Mask:
    return np.asarray(patients.column("referred") > 0)


def _present(from_min: Floats, to_min: Floats, at_min: Floats) -> Floats:
    """Return how many have come and not left, at times."""
    left = np.sort(to_min[~np.isnan(to_min)])
    came = np.searchsorted(np.sort(from_min), at_min, side="right")
    return np.asarray(came - np.searchsorted(left, at_min, side="right"), dtype=np.float64)


def _within(at_min: Floats, edges: Floats) -> Floats:
    """Return how many times lie in each bin: above its beginning, up to its end."""
    passed = np.searchsorted(np.sort(at_min[~np.isnan(at_min)]), edges, side="right")
    return np.diff(passed).astype(np.float64)


def _means(at_min: Floats, values: Floats, edges: Floats) -> Floats:
    places = np.searchsorted(edges, at_min, side="left") - 1
    # What begins at the very beginning belongs to the first bin.
    places = np.where(at_min == edges[0], 0, places)
    kept = (places >= 0) & (places < len(edges) - 1)
    counts = np.bincount(places[kept], minlength=len(edges) - 1)
    sums = np.bincount(places[kept], weights=values[kept], minlength=len(edges) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(counts > 0, sums / counts, _NAN)


def _waits(name: str, waits: Floats) -> dict[str, float]:
    if not len(waits):
        return {f"{name}.mean": _NAN, f"{name}.p95": _NAN}
    return {f"{name}.mean": float(waits.mean()), f"{name}.p95": float(np.quantile(waits, 0.95))}
