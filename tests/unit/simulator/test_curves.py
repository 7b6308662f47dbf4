import numpy as np
import pytest

from simulator.clinic.engine import Engine
from simulator.clinic.people import People
from simulator.experiment.curves import curves_of, level
from simulator.language.scenario import load

CLINIC = """\
name: week
start: Mon 00:00
horizon: 1 w
cases: {source: nominal}
arrivals: {rate_per_h: 2}
pathway: [{id: read, staff: reader, service: {exponential: {mean: 10 min}}, then: end}]
staff: {reader: {count: 2, roster: "daily 08:00-20:00"}}
"""


def test_level_is_the_time_average_of_open_spells() -> None:
    rng = np.random.default_rng(1)
    begins = rng.uniform(0, 100, 50)
    ends = begins + rng.exponential(10, 50)
    ends[7] = np.nan  # still open
    edges = np.array([0.0, 13.0, 40.0, 77.5, 100.0])
    fine = np.linspace(0, 100, 400_001)[:-1] + 100 / 800_000
    until = np.where(np.isnan(ends), np.inf, ends)
    counts = ((begins[:, None] <= fine) & (fine < until[:, None])).sum(axis=0)
    place = np.searchsorted(edges, fine, side="right") - 1
    expected = [counts[place == spell].mean() for spell in range(4)]
    assert level(begins, ends, edges) == pytest.approx(expected, abs=2e-3)


def test_curves_show_roster_work_and_quantiles() -> None:
    scenario = load(CLINIC, "x.yaml")
    journal = Engine(scenario, 0, People(scenario, 0)).run()
    curves = curves_of(scenario, journal)
    assert len(curves.at_min) == len(curves.in_system) == len(curves.queue["read"]) == 168
    duty = np.array(curves.duty["reader"])  # by hour of the week
    assert duty[7] == 0
    assert duty[8] == 2
    assert duty.sum() == 7 * 12 * 2
    served_min = journal.visits["read"]
    work = (served_min.column("end_min") - served_min.column("start_min")).sum()
    assert sum(curves.busy["reader"]) * 60 == pytest.approx(work, rel=0.05)
    waits = curves.quantiles["wait.read"]["all"]
    assert len(waits) == 101
    assert waits == sorted(waits)
    assert waits[100] == pytest.approx(served_min.column("waited_min").max(), rel=1e-4)
