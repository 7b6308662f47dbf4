"""What can be said of a scenario before anything is simulated: load, waits, number of runs.

Waits come from an approximation for queues in steady state (A. O. Allen 1990, Probability,
Statistics, and Queueing Theory, 2nd ed., ch. 5). Where it does not apply there is no estimate,
and the reason is given instead.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulator.language.arrivals import (
    AppointmentArrivals,
    ArrivalForm,
    PoissonArrivals,
    RenewalArrivals,
    ReplayArrivals,
)
from simulator.language.calendar import WEEK_MIN
from simulator.language.cases import ImageCases
from simulator.language.form import ScenarioForm
from simulator.language.load import Load, bounded, mean_visits, offered_load, rate_of
from simulator.language.pathway import StaffedNode
from simulator.language.profiles import HOURS, hourly_factors
from simulator.theory import allen_cunneen_approximation


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupForecast:
    """What awaits a staff group."""

    load: Load
    peak: int  # the most people on duty at once
    nodes: tuple[str, ...]  # where it works
    bounded: tuple[str, ...]  # nodes whose queue cannot grow without end
    wait_min: float | None  # mean wait in minutes, an approximation
    why_none: str  # why there is no estimate of the wait; empty where there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is known of a scenario before it is run."""

    patients: float | None  # expected in one replication; None where only the images tell
    groups: Mapping[str, GroupForecast]
    points: int  # of the sweep; 1 without
    least_runs: int  # replications over all points
    most_runs: int


def forecast(scenario: ScenarioForm) -> Forecast:
    """Return what is known of a scenario before it is run."""
    loads = {} if isinstance(scenario.cases, ImageCases) else offered_load(scenario)
    points = sweep_points(scenario)
    spec = scenario.replications
    return Forecast(
        patients=expected_patients(scenario),
        groups={name: _group(scenario, name, load) for name, load in loads.items()},
        points=points,
        least_runs=points * spec.min,
        most_runs=points * spec.max,
    )


def expected_patients(scenario: ScenarioForm) -> float | None:
    """Return how many patients are expected in a replication; None where only the images tell."""
    each_once = isinstance(scenario.cases, ImageCases) and scenario.bank is None
    if each_once and scenario.cases.count is None:
        return None
    horizon_min = math.inf if scenario.horizon_min is None else scenario.horizon_min
    coming = sum(
        _come(one.arrivals or scenario.arrivals, scenario.start_min, horizon_min)
        * (1.0 if one.share is None else one.share)
        for one in scenario.patient_classes
    )
    return min(scenario.patient_count, coming)


def _come(spec: ArrivalForm | None, start_min: float, horizon_min: float) -> float:
    """Return how many patients are expected of some arrivals up to the horizon."""
    if isinstance(spec, ReplayArrivals):
        return sum(at < horizon_min for at in spec.replay.times) * (1 - spec.no_show)
    assert spec is not None and spec.mean_rate_per_min is not None  # a sound scenario has both
    if math.isinf(horizon_min):
        return math.inf
    if isinstance(spec, AppointmentArrivals):
        booked = spec.appointments
        slots = np.array(booked.slots()) - start_min
        weeks = np.ceil((horizon_min - slots) / WEEK_MIN) - np.ceil(-slots / WEEK_MIN)
        return float(weeks.sum()) * booked.patients * (1 - booked.no_show)
    if isinstance(spec, PoissonArrivals) and spec.profile is not None:
        return spec.mean_rate_per_min * _weighed_min(spec.profile, start_min, horizon_min)
    return spec.mean_rate_per_min * horizon_min


def _weighed_min(profile: str | tuple[float, ...], start_min: float, horizon_min: float) -> float:
    """Return the minutes of a run, each weighed by the profile's factor of its hour."""
    factors = hourly_factors(profile)
    edges = np.arange(HOURS + 1) * 60.0
    so_far = np.concatenate([[0.0], np.cumsum(factors) * 60.0])

    def until(minute: float) -> float:
        weeks, rest = divmod(minute, WEEK_MIN)
        return weeks * float(so_far[-1]) + float(np.interp(rest, edges, so_far))

    return until(start_min + horizon_min) - until(start_min)


def sweep_points(scenario: ScenarioForm) -> int:
    """Return how many points a scenario's sweep has; 1 without a sweep."""
    sweep = scenario.sweep
    if sweep is None:
        return 1
    if sweep.grid is not None:
        return math.prod(len(values) for values in sweep.grid.values())
    return sweep.points or 1


def _group(scenario: ScenarioForm, name: str, load: Load) -> GroupForecast:
    nodes = [node for node in scenario.staffed() if name in node.staff]
    safe = [n.id for n in nodes if all(bounded(n, one) for one in scenario.patient_classes)]
    why = _why_none(scenario, name, load, nodes)
    return GroupForecast(
        load=load,
        peak=scenario.staff[name].peak,
        nodes=tuple(node.id for node in nodes),
        bounded=tuple(safe),
        wait_min=None if why else _wait_min(scenario, nodes, scenario.staff[name].peak),
        why_none=why,
    )


def _why_none(scenario: ScenarioForm, name: str, load: Load, nodes: list[StaffedNode]) -> str:
    """Return why theory has no simple answer; empty where it has one."""
    staff, classes = scenario.staff[name], scenario.patient_classes
    specs = [one.arrivals or scenario.arrivals for one in classes]
    steady = all(
        isinstance(spec, RenewalArrivals)
        or (isinstance(spec, PoissonArrivals) and spec.profile is None and spec.batch is None)
        for spec in specs
    )
    uneven = any(node.id in one.service for node in nodes for one in classes)
    reasons = {
        "nothing to do": load.share == 0,
        "a roster": staff.roster is not None or bool(staff.absent),
        "uneven arrivals": not steady,
        "several groups at once": any(len(node.staff) > 1 for node in nodes),
        "a bounded queue": any(bounded(n, one) for n in nodes for one in classes),
        "preemption": any(node.queue.preempt != "no" for node in nodes),
        "unlike services": uneven and any(n.queue.order != "fifo" for n in nodes),
        "an endless spread": any(
            math.isinf(one.service.get(node.id, node.service).sd_min)
            for node in nodes
            for one in classes
        ),
        "too much work": load.share >= 1,
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _wait_min(scenario: ScenarioForm, nodes: list[StaffedNode], servers: int) -> float:
    """Return the approximate mean wait over all visits to a group, in minutes.

    The order of service does not change it: it is blind to how long the service will take.
    """
    rate, work, squares = 0.0, 0.0, 0.0  # of visits per minute; times E[S]; times E[S²]
    for one in scenario.patient_classes:
        visits, _ = mean_visits(scenario, one)
        for node in nodes:
            service = one.service.get(node.id, node.service)
            often = rate_of(scenario, one) * visits[node.id]
            rate += often
            work += often * service.mean_min
            squares += often * service.mean_min**2 * (1 + service.scv)
    mean_min = work / rate
    scv_service = squares / rate / mean_min**2 - 1
    steady = allen_cunneen_approximation(
        rate, 1 / mean_min, servers, _scv_arrival(scenario, nodes), max(scv_service, 0.0)
    )
    assert steady.wait is not None  # it is what the approximation is of
    return steady.wait


def _scv_arrival(scenario: ScenarioForm, nodes: list[StaffedNode]) -> float:
    """Return the squared coefficient of variation of the gaps between arrivals at a group.

    Known at the first node of a single class; behind it, arrivals are taken as random, which is
    exact behind M/M/c queues (P. J. Burke 1956, Operations Research 4(6), 699-704) and an
    assumption elsewhere.
    """
    one, *others = scenario.patient_classes
    spec = one.arrivals or scenario.arrivals
    first = one.enter or scenario.pathway[0].id
    alone = not others and [node.id for node in nodes] == [first]
    if alone and isinstance(spec, RenewalArrivals) and mean_visits(scenario, one)[0][first] == 1:
        return spec.gap.scv * (1 - spec.no_show) + spec.no_show  # thinned: geometric sums
    return 1.0
