"""Two queueing models, each written for dermtwin and for Ciw: M/M/3, and a network of five nodes.

Ciw: G. I. Palmer, V. A. Knight, P. R. Harper, A. L. Hawa (2019), Ciw: An open-source
discrete-event simulation library, Journal of Simulation 13(1), 68-82.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from simulator.clinic.engine import Engine
from simulator.clinic.journal import Journal
from simulator.clinic.people import People
from simulator.clinic.pools import State
from simulator.language.scenario import load
from simulator.language.schema import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A queueing network with Poisson arrivals at its first node and exponential services.

    Classes are served in the order in which they stand here, without interruption.
    """

    name: str
    rate_per_h: dict[str, float]  # by class
    mean_min: dict[str, float]  # service, by node
    servers: dict[str, int]  # by node
    then: dict[str, dict[str, float]]  # shares of the next nodes, by node; the rest leaves
    horizon_h: float  # the run stops here


MM3: Final = Model(
    name="mm3",
    rate_per_h={"patient": 12},
    mean_min={"service": 10},
    servers={"service": 3},
    then={"service": {}},
    horizon_h=2000,
)
NETWORK: Final = Model(
    name="network",
    rate_per_h={"urgent": 6, "routine": 14},
    mean_min={"desk": 4, "imaging": 6, "dermoscopy": 7, "read": 8, "surgery": 9},
    servers={"desk": 2, "imaging": 2, "dermoscopy": 2, "read": 3, "surgery": 2},
    then={
        "desk": {"imaging": 0.5, "dermoscopy": 0.5},
        "imaging": {"read": 0.7, "surgery": 0.3},
        "dermoscopy": {"read": 0.6, "surgery": 0.4},
        "read": {"desk": 0.1},
        "surgery": {"imaging": 0.2},
    },
    horizon_h=400,
)


def scenario_of(model: Model) -> Scenario:
    """Return the model as a scenario."""
    order = "priority" if len(model.rate_per_h) > 1 else "fifo"
    lines = [f"name: {model.name}", f"horizon: {model.horizon_h:g} h", "ending: stop"]
    lines += ["cases: {source: nominal}", "classes:"]
    for urgency, (name, rate) in enumerate(model.rate_per_h.items()):
        lines.append(f"  - {{id: {name}, arrivals: {{rate_per_h: {rate:g}}}, priority: {urgency}}}")
    lines.append("pathway:")
    for node, mean in model.mean_min.items():
        ways = [f"{to}: {share:g}" for to, share in model.then[node].items()]
        then = f"{{{', '.join([*ways, 'end: otherwise'])}}}" if ways else "end"
        service = f"{{exponential: {{mean: {mean:g} min}}}}"
        lines.append(
            f"  - {{id: {node}, staff: {node}_staff, service: {service}, "
            f"queue: {{order: {order}}}, decides: 'no', then: {then}}}"
        )
    people = ", ".join(f"{node}_staff: {n}" for node, n in model.servers.items())
    lines.append(f"staff: {{{people}}}")
    return load("\n".join(lines) + "\n", f"{model.name}.yaml")


def run_ours(scenario: Scenario, replication: int) -> Journal:
    """Run a replication, down to the digests of its tables."""
    journal = Engine(scenario, replication, People(scenario, replication)).run()
    for table in (journal.patients, *journal.visits.values()):
        table.digest()
    return journal


def waits_of_ours(journal: Journal, classes: list[str]) -> dict[tuple[str, str], float]:
    """Return the mean wait, in minutes, by node and class."""
    number = journal.patients.column("patient").astype(int)
    words = journal.words["class"]
    class_of = np.empty(len(number), dtype=int)
    class_of[number] = journal.patients.column("class")
    means = {}
    for node, table in journal.visits.items():
        done = table.column("outcome") == State.DONE
        patient = table.column("patient").astype(int)
        for name in classes:
            chosen = done & (class_of[patient] == words[name])
            means[node, name] = float(table.column("waited_min")[chosen].mean())
    return means


def run_ciw(model: Model, seed: int) -> Any:
    """Run the model in Ciw, and return its simulation; building the network takes no time."""
    import ciw

    nodes, classes = list(model.mean_min), list(model.rate_per_h)
    routing = [[model.then[a].get(b, 0.0) for b in nodes] for a in nodes]
    network = ciw.create_network(
        arrival_distributions={
            name: [ciw.dists.Exponential(rate / 60)] + [None] * (len(nodes) - 1)
            for name, rate in model.rate_per_h.items()
        },
        service_distributions={
            name: [ciw.dists.Exponential(1 / mean) for mean in model.mean_min.values()]
            for name in classes
        },
        routing=dict.fromkeys(classes, routing),
        priority_classes={name: urgency for urgency, name in enumerate(classes)},
        number_of_servers=list(model.servers.values()),
    )
    ciw.seed(seed)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(model.horizon_h * 60)
    return simulation


def waits_of_ciw(simulation: Any, model: Model) -> dict[tuple[str, str], float]:
    """Return the mean wait, in minutes, by node and class."""
    waits: dict[tuple[int, str], list[float]] = {}
    for record in simulation.get_all_records():
        waits.setdefault((record.node, record.customer_class), []).append(record.waiting_time)
    return {
        (node, name): float(np.mean(waits[place, name]))
        for place, node in enumerate(model.mean_min, 1)
        for name in model.rate_per_h
    }


def came_to_ciw(simulation: Any) -> int:
    """Return how many patients came."""
    return int(simulation.nodes[0].number_of_individuals)
