"""Small clinics for the tests: a scenario from keywords, one run, and figures of several runs."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
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
    return load(json.dumps(data | fields), "x.json")


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


def known_as(journal: Journal) -> dict[int, tuple[str, int]]:
    """Class and key by number of arrival: what a patient is known by in every scenario."""
    words = {code: word for word, code in journal.words["class"].items()}
    table = journal.patients
    columns = [table.column(name).astype(int).tolist() for name in ("patient", "class", "key")]
    return {number: (words[code], key) for number, code, key in zip(*columns, strict=True)}


def column(journal: Journal, node: str, name: str) -> dict[tuple[tuple[str, int], int], float]:
    """A column of a node's visits by patient and visit."""
    who, table = known_as(journal), journal.visits[node]
    patients, visits = (table.column(each).astype(int).tolist() for each in ("patient", "visit"))
    values = table.column(name).tolist()
    return {
        (who[patient], visit): value
        for patient, visit, value in zip(patients, visits, values, strict=True)
    }


def service_min(journal: Journal, node: str) -> dict[tuple[tuple[str, int], int], float]:
    """Time in service of each visit that was served; exact up to rounding of the clock."""
    start, end, waited, queued = (
        column(journal, node, name) for name in ("start_min", "end_min", "waited_min", "queued_min")
    )
    return {
        visit: end[visit] - queued[visit] - waited[visit]
        for visit in start
        if not math.isnan(end[visit]) and not math.isnan(start[visit])
    }


def facts(journal: Journal, name: str) -> dict[tuple[str, int], Any]:
    """A column of all patients by what they are known by; what is not known is -1."""
    who, values = known_as(journal), patients(journal, name)
    words = {code: word for word, code in journal.words.get(name, {}).items()}
    return {
        who[n]: -1 if math.isnan(value) else words.get(int(value), value)
        for n, value in enumerate(values)
    }


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
