"""The engine against textbook recursions on its own draws: every wait of every patient, to 1e-6.

J. Kiefer, J. Wolfowitz (1955), On the theory of queues with many servers, Transactions of the
American Mathematical Society 78(1), 1-18: the wait of a patient at c servers is the smallest of c
remaining workloads. No distribution, rate or seed is special here, so nothing is averaged away.
"""

from typing import Any

import numpy as np
import pytest
from clinics import clinic, column, exponential, patients, per_min, run, service_min

from simulator.clinic.journal import Journal

Times = dict[tuple[tuple[str, int], int], float]


def waits_by_recursion(queued_min: Times, service_min: Times, servers: int) -> Times:
    """The waits of first come, first served at c servers."""
    free_min = np.zeros(servers)  # when each server is free of all who came before
    waits = {}
    for visit in sorted(queued_min, key=lambda one: (queued_min[one], one)):
        first = int(np.argmin(free_min))
        start_min = max(queued_min[visit], free_min[first])
        waits[visit] = start_min - queued_min[visit]
        free_min[first] = start_min + service_min[visit]
    return waits


def agree(journal: Journal, node: str, servers: int) -> None:
    queued, waited = column(journal, node, "queued_min"), column(journal, node, "waited_min")
    expected = waits_by_recursion(queued, service_min(journal, node), servers)
    assert len(expected) > 500
    assert [waited[visit] for visit in expected] == pytest.approx(list(expected.values()), abs=1e-6)
    assert max(waited.values()) > 1


SERVICES: list[Any] = [
    "3 min",
    exponential(3),
    {"gamma": {"mean": "3 min", "sd": "4 min"}},
    {"uniform": {"low": "1 min", "high": "5 min"}},
]
ARRIVALS: list[dict[str, Any]] = [
    per_min(0.3),
    {"gap": {"gamma": {"mean": "3.2 min", "sd": "5 min"}}},
    {"rate_per_h": 18, "profile": "weekday-clinic"},
    {"appointments": {"every": "10 min", "during": "daily 08:00-20:00", "patients": 3,
                      "punctuality": {"sd": "6 min"}, "no_show": 0.1}},
]  # fmt: skip


@pytest.mark.parametrize("service", SERVICES, ids=lambda one: str(one)[:12])
@pytest.mark.parametrize("arrivals", ARRIVALS, ids=lambda one: next(iter(one)))
def test_first_come_first_served(arrivals: dict[str, Any], service: Any) -> None:
    servers = 1 + SERVICES.index(service) % 2
    station = clinic(
        arrivals=arrivals,
        service=service,
        servers=servers,
        horizon="5 d",
        allow_unstable=True,
        cases={"source": "nominal", "count": 700},
    )
    journal = run(station)
    agree(journal, "desk", servers)


def test_stations_one_after_the_other() -> None:
    chain = clinic(
        arrivals=per_min(0.3),
        pathway=[
            {"id": "a", "staff": "nurse", "service": exponential(5), "then": "b"},
            {"id": "b", "delay": exponential(20), "then": "c"},
            {"id": "c", "staff": "doctor", "service": exponential(3), "then": "end"},
        ],
        staff={"nurse": 2, "doctor": 1},
        horizon="5000 min",
    )
    journal = run(chain)
    agree(journal, "a", 2)
    agree(journal, "c", 1)


def test_interruption_does_the_urgent_no_harm() -> None:
    # The urgent see nobody else: their waits are those of a station of their own.
    station = clinic(
        classes=[
            {"id": "urgent", "arrivals": per_min(0.2), "priority": 0},
            {"id": "routine", "arrivals": per_min(0.2), "priority": 1},
        ],
        service=exponential(2),
        queue={"order": "priority", "preempt": "resume"},
        horizon="5000 min",
    )
    journal = run(station)
    queued, waited = (column(journal, "desk", name) for name in ("queued_min", "waited_min"))
    urgent = {visit: at for visit, at in queued.items() if visit[0][0] == "urgent"}
    expected = waits_by_recursion(urgent, service_min(journal, "desk"), 1)
    assert [waited[visit] for visit in expected] == pytest.approx(list(expected.values()), abs=1e-6)
    # Work is conserved: the server is busy as with first come, first served.
    took = service_min(journal, "desk")
    everybody = waits_by_recursion(queued, took, 1)
    last = max(queued[visit] + everybody[visit] + took[visit] for visit in queued)
    assert max(patients(journal, "closed_min")) == pytest.approx(last, abs=1e-6)
