"""How much work the arrivals bring to each staff group, before anything is simulated.

Mean visits follow from the routes: exactly, by the traffic equations (Jackson 1963, Management
Science 10(1), 131-142), where routes are probabilities; by walking sampled patients through the
pathway, without time, where routes ask for something.
"""

from dataclasses import dataclass

import numpy as np

from simulator.language.arrivals import ReplayArrivals
from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.pathway import END, OTHERWISE, StaffedNode
from simulator.language.referral import referred_share
from simulator.language.staff import mean_capacity
from simulator.language.walkers import walked
from simulator.language.ways import reached, ways


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of a staff group."""

    share: float  # offered load over capacity, λ E[S] / c (Kleinrock 1975, section 2.1)
    error: float  # standard error of it; 0 where it is exact
    capacity: float  # mean number on duty
    grows: bool  # whether a queue without bound must grow without end
    why: str


def offered_load(scenario: ScenarioForm) -> dict[str, Load]:
    """Return the load of each staff group under the long-run mean rates of a week.

    Raises:
        QuantityError: patients go round without end.
    """
    work: dict[str, float] = dict.fromkeys(scenario.staff, 0.0)
    unbounded = dict.fromkeys(scenario.staff, 0.0)
    variance = dict.fromkeys(scenario.staff, 0.0)
    for one in scenario.patient_classes:
        rate_per_min = rate_of(scenario, one)
        visits, errors = mean_visits(scenario, one)
        # A log ends: it brings work, but no queue that grows for ever.
        endless = not isinstance(one.arrivals or scenario.arrivals, ReplayArrivals)
        for node in scenario.staffed():
            mean_min = one.service.get(node.id, node.service).mean_min
            for name in node.staff:
                work[name] += rate_per_min * visits[node.id] * mean_min
                variance[name] += (rate_per_min * errors[node.id] * mean_min) ** 2
                if endless and not bounded(node, one):
                    unbounded[name] += rate_per_min * visits[node.id] * mean_min
    found = {}
    for name, staff in scenario.staff.items():
        capacity = mean_capacity(staff)
        error = float(np.sqrt(variance[name])) / capacity if capacity else 0.0
        share = work[name] / capacity if capacity else float("inf") if work[name] else 0.0
        growing = unbounded[name] / capacity if capacity else share
        found[name] = Load(
            share=share,
            error=error,
            capacity=capacity,
            grows=growing - 3 * error >= 1 - 1e-9,
            why=f"{work[name]:.3g} needed on average, {capacity:.3g} on duty",
        )
    return found


def rate_of(scenario: ScenarioForm, one: ClassSpec) -> float:
    """Return the long-run mean arrivals of a class per minute; 0 where a log is replayed.

    Of those who come: of the base population, before any shift of it.
    """
    spec = one.arrivals or scenario.arrivals
    assert spec is not None  # a sound scenario says when its patients come
    seeking = (spec.mean_rate_per_min or 0.0) * (1.0 if one.share is None else one.share)
    return seeking * referred_share(scenario.population_of(one))


def mean_visits(
    scenario: ScenarioForm, one: ClassSpec
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the mean number of visits of a class to each node, and their standard errors.

    Raises:
        QuantityError: patients go round without end.
    """
    routes = {node.id: one.then.get(node.id, node.then) for node in scenario.pathway}
    first = one.enter or scenario.pathway[0].id
    # Nodes that the class never sees are left out: among them it could go round for ever.
    seen = reached(ways(scenario, one), first)
    asks = any(
        isinstance(when, str) and when != OTHERWISE
        for name in seen - {END}
        for when in routes[name].values()
    )
    if asks:
        return walked(scenario, one)
    index = {name: place for place, name in enumerate(name for name in routes if name in seen)}
    onward = np.zeros((len(index), len(index)))
    for name, row in index.items():
        then = routes[name]
        rest = 1 - sum(share for share in then.values() if isinstance(share, float))
        for target, share in then.items():
            if target in index:
                onward[row, index[target]] += share if isinstance(share, float) else rest
    enters = np.zeros(len(index))
    enters[index[first]] = 1
    visits = np.linalg.solve(np.eye(len(index)) - onward.T, enters).tolist()
    exact = dict(zip(index, visits, strict=True))
    return {name: exact.get(name, 0.0) for name in routes}, dict.fromkeys(routes, 0.0)


def bounded(node: StaffedNode, one: ClassSpec) -> bool:
    """Return whether the queue of a class at a node cannot grow without end."""
    queue = node.queue
    turned_away = queue.balk is not None and queue.balk.share == 1
    return (
        queue.room is not None or turned_away or bool(queue.patience or one.patience.get(node.id))
    )
