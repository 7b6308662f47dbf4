"""Which nodes of a pathway get a Poisson stream of patients, and at what rate.

Queueing theory needs to know both. A stream is Poisson from its source on as long as it passes
only nodes that keep it so: delays, the AI, and stations with exponential service, alike for
everybody, where nobody is turned away and the first to come is the first to be served. Such nodes
are quasi-reversible: what leaves them and divides by chance is again Poisson and independent, with
or without ways back (F. P. Kelly 1979, Reversibility and Stochastic Networks, sections 3.1-3.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulator.draws.distributions import Exponential, ExponentialOfRate
from simulator.language.arrivals import ArrivalForm, PoissonArrivals, RenewalArrivals
from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.load import rate_of
from simulator.language.pathway import END, OTHERWISE, Node, StaffedNode
from simulator.language.ways import entrance, reached, ways


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """What comes to each node."""

    rates: Mapping[tuple[str, str], float]  # (class, node) -> per minute; only where it is known
    unknown: Mapping[str, str]  # node -> why nobody can say how many come
    irregular: Mapping[str, str]  # node -> why those who come are no Poisson stream


def flows(scenario: ScenarioForm, keeps_poisson: Mapping[str, bool]) -> Flows:
    """Return the streams into each node, in the long run.

    Parameters:
        keeps_poisson: node -> whether what leaves it is Poisson if what enters it is.
    """
    unknown: dict[str, str] = {}
    irregular: dict[str, str] = {}
    for one in scenario.patient_classes:
        spec = one.arrivals or scenario.arrivals
        assert spec is not None  # a sound scenario says when its patients come
        if (reason := _not_poisson(spec)) is not None:
            irregular.setdefault(entrance(scenario, one), reason)
        if spec.mean_rate_per_min is None:
            unknown.setdefault(entrance(scenario, one), "a log is replayed")
        after = ways(scenario, one)
        for node in _seen(scenario, one):
            routes = one.then.get(node.id, node.then)
            for target in sorted(after[node.id] - {END}):
                if not keeps_poisson[node.id]:
                    irregular.setdefault(target, f"what leaves {node.id!r} is no Poisson stream")
                asks = [w for w in routes.values() if isinstance(w, str) and w != OTHERWISE]
                if asks:
                    reason = f"{asks[0]!r} decides who comes from {node.id!r}"
                    unknown.setdefault(target, reason)
                if loses(node, one):
                    reason = f"some patients leave {node.id!r} unserved"
                    unknown.setdefault(target, reason)
    _spread(scenario, unknown)
    for name, reason in unknown.items():
        irregular.setdefault(name, reason)
    _spread(scenario, irregular)
    return Flows(rates=_rates(scenario, unknown), unknown=unknown, irregular=irregular)


def loses(node: Node, one: ClassSpec) -> bool:
    """Return whether patients of a class can leave a node unserved."""
    if not isinstance(node, StaffedNode):
        return False
    queue = node.queue
    patience = one.patience.get(node.id, queue.patience)
    return queue.room is not None or queue.balk is not None or patience is not None


def _not_poisson(spec: ArrivalForm) -> str | None:
    if isinstance(spec, PoissonArrivals):
        if spec.profile is not None:
            return "the arrival rate changes with the hour"
        return None if spec.batch is None else "patients come in groups"
    if isinstance(spec, RenewalArrivals):
        if isinstance(spec.gap, Exponential | ExponentialOfRate):
            return None
        return "arrivals are no Poisson process"
    return "arrivals follow appointments or a log"


def _seen(scenario: ScenarioForm, one: ClassSpec) -> list[Node]:
    """Return the nodes to which a class can come."""
    seen = reached(ways(scenario, one), entrance(scenario, one))
    return [node for node in scenario.pathway if node.id in seen]


def _spread(scenario: ScenarioForm, reasons: dict[str, str]) -> None:
    """Give every node that comes after one with a reason that reason."""
    for one in scenario.patient_classes:
        after, seen = ways(scenario, one), {node.id for node in _seen(scenario, one)}
        for name in [name for name in reasons if name in seen]:
            for target in sorted(reached(after, name) - {END}):
                reasons.setdefault(target, reasons[name])


def _rates(scenario: ScenarioForm, unknown: Mapping[str, str]) -> dict[tuple[str, str], float]:
    """Solve the traffic equations (Jackson 1957, eq. 1) where chance alone decides."""
    names = [node.id for node in scenario.pathway if node.id not in unknown]
    place = {name: index for index, name in enumerate(names)}
    found = {}
    for one in scenario.patient_classes:
        onward = np.zeros((len(names), len(names)))
        for node in scenario.pathway:
            if node.id not in place:
                continue
            routes = one.then.get(node.id, node.then)
            rest = 1 - sum(share for share in routes.values() if isinstance(share, float))
            for target, share in routes.items():
                if target in place:
                    step = share if isinstance(share, float) else rest
                    onward[place[node.id], place[target]] += step
        enters = np.zeros(len(names))
        if entrance(scenario, one) in place:
            enters[place[entrance(scenario, one)]] = rate_of(scenario, one)
        # Nodes that the class never sees may form a cycle without exit; they are left out.
        kept = [place[node.id] for node in _seen(scenario, one) if node.id in place]
        part = np.ix_(kept, kept)
        solved = np.linalg.solve(np.eye(len(kept)) - onward[part].T, enters[kept])
        for index, rate in zip(kept, solved.tolist(), strict=True):
            found[one.id, names[index]] = max(rate, 0.0)
    return found
