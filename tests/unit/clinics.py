"""Small clinics for the tests: a scenario from keywords, one run, and figures of several runs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from simulator.analysis.measure import Measured, measure
from simulator.clinic.engine import Engine
from simulator.clinic.journal import Journal
from simulator.clinic.people import People
from simulator.language.scenario import Scenario, load


def clinic(**fields: Any) -> Scenario:
    """A scenario of nominal cases; `pathway` and `staff` are those of one queue unless given.

    `service`, `queue` and `servers` belong to that one queue.
    """
    node = {"id": "desk", "staff": "server", "service": fields.pop("service", "1 min")}
    if "queue" in fields:
        node["queue"] = fields.pop("queue")
    data = {
        "name": "clinic",
        "horizon": "1000 min",
        "cases": {"source": "nominal"},
        "pathway": [node | {"then": "end"}],
        "staff": {"server": fields.pop("servers", 1)},
    }
    return load(yaml.safe_dump(data | fields, sort_keys=False), "x.yaml")


def per_min(rate: float) -> dict[str, float]:
    """Poisson arrivals."""
    return {"rate_per_h": rate * 60}


def exponential(mean_min: float) -> dict[str, Any]:
    return {"exponential": {"mean": f"{mean_min!r} min"}}


def run(scenario: Scenario, replication: int = 0) -> Journal:
    return Engine(scenario, replication, People(scenario, replication)).run()


def measured(scenario: Scenario, replication: int = 0, warmup_min: float = 0.0) -> Measured:
    journal = run(scenario, replication)
    try:
        return measure(scenario, journal, warmup_min)
    finally:
        journal.close()


def replicated(
    scenario: Scenario, names: Sequence[str], replications: int = 10, warmup_min: float = 200.0
) -> Mapping[str, NDArray[np.float64]]:
    """The values of the named metrics, (replications,) each."""
    runs = [measured(scenario, number, warmup_min) for number in range(replications)]
    return {name: np.array([one.values[name] for one in runs]) for name in names}


def column(journal: Journal, node: str, name: str) -> dict[tuple[int, int], float]:
    """A column of a node's visits by patient and visit."""
    table = journal.visits[node]
    keys = zip(table.column("patient").tolist(), table.column("visit").tolist(), strict=True)
    places = [(int(patient), int(visit)) for patient, visit in keys]
    return dict(zip(places, table.column(name).tolist(), strict=True))


def patients(journal: Journal, name: str) -> list[float]:
    """A column of all patients in order of arrival."""
    place = journal.patients.column("patient").astype(int)
    values = np.empty(len(place))
    values[place] = journal.patients.column(name)
    return values.tolist()


def assert_agrees(
    scenario: Scenario,
    expected: Mapping[str, float],
    *,
    replications: int = 10,
    warmup_min: float = 200.0,
    within: float = 0.15,
) -> None:
    """Hold means over replications to three standard errors, and these to a share of the value."""
    found = replicated(scenario, list(expected), replications, warmup_min)
    for name, value in expected.items():
        error = float(np.std(found[name], ddof=1)) / math.sqrt(replications)
        mean = float(np.mean(found[name]))
        assert abs(mean - value) <= 3 * error, f"{name}: {mean:.6g} ± {error:.3g}, not {value:.6g}"
        assert 3 * error <= within * value, f"{name}: 3 × {error:.3g} is too much for {value:.6g}"
