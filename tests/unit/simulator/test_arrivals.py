import math
from itertools import islice, pairwise

import pytest

from simulator.clinic.arrivals import Arrivals, poisson_times
from simulator.language.scenario import Scenario, load
from twin.errors import ScenarioError

BASE = """\
name: week
horizon: 2 d
cases: {source: synthetic}
arrivals: {rate_per_h: 6}
pathway:
  - {id: imaging, staff: nurse, service: 6 min, then: ai}
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: 6 min, then: end}
staff: {nurse: 1, reader: 1}
"""


def scenario(*changes: tuple[str, str]) -> Scenario:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load(text, "x.yaml")


def test_times_are_a_poisson_process_of_the_stated_rate() -> None:
    times = list(islice(poisson_times(6, 1, 0), 20_000))
    gaps = [late - early for early, late in pairwise([0.0, *times])]
    mean = math.fsum(gaps) / len(gaps)
    # The mean gap's standard error is mean / sqrt(n); exponential gaps: P(gap > mean) = 1/e.
    assert mean == pytest.approx(10, abs=4 * 10 / math.sqrt(20_000))
    longer = sum(gap > 10 for gap in gaps) / len(gaps)
    assert longer == pytest.approx(math.exp(-1), abs=4 * 0.5 / math.sqrt(20_000))


def test_times_depend_on_seed_and_replication() -> None:
    first = {(s, r): next(poisson_times(6, s, r)) for s in (1, 2) for r in (0, 1)}
    assert len(set(first.values())) == 4


def test_another_rate_stretches_the_same_pattern() -> None:
    slow = list(islice(poisson_times(6, 1, 0), 50))
    fast = list(islice(poisson_times(12, 1, 0), 50))
    assert [2 * time for time in fast] == pytest.approx(slow, abs=1e-4)


def test_the_same_patients_come_each_time() -> None:
    arrivals = Arrivals(scenario(), 0)
    patients = list(arrivals)
    assert patients == list(arrivals) == list(Arrivals(scenario(), 0))
    assert [patient.index for patient in patients] == list(range(len(patients)))
    assert len({patient.case_id for patient in patients}) == len(patients)
    assert all(a.at_min < b.at_min for a, b in pairwise(patients))


def test_arrivals_end_at_the_horizon() -> None:
    patients = list(Arrivals(scenario(), 0))
    assert patients[-1].at_min < 2880
    following = islice(poisson_times(6, 1, 0), len(patients), None)
    assert next(following) >= 2880


def test_a_count_ends_them_earlier() -> None:
    arrivals = Arrivals(scenario(("source: synthetic", "count: 7")), 0)
    assert arrivals.expected == len(list(arrivals)) == 7
    assert list(arrivals) == list(Arrivals(scenario(), 0))[:7]


def test_the_horizon_counts_where_it_comes_before_the_count() -> None:
    arrivals = Arrivals(scenario(("source: synthetic", "count: 100000")), 0)
    assert arrivals.expected == 288
    assert len(list(arrivals)) < 400


def test_staff_service_and_decision_leave_the_patients_alone() -> None:
    other = scenario(
        ("nurse: 1, reader: 1", "nurse: 2, reader: 3"),
        ("service: 6 min", "service: {exponential: {mean: 5 min}}"),
        ("horizon", "decision: {threshold: 0.2}\nhorizon"),
    )
    assert list(Arrivals(other, 0)) == list(Arrivals(scenario(), 0))


def test_replications_have_other_patients() -> None:
    one, two = list(Arrivals(scenario(), 0)), list(Arrivals(scenario(), 1))
    assert one[0].at_min != two[0].at_min
    assert one[0].image != two[0].image
    assert not {p.case_id for p in one} & {p.case_id for p in two}


def test_more_images_than_there_are_is_an_error() -> None:
    images = scenario(("{source: synthetic}", "{source: images}\nmodel: {id: m}"))
    with pytest.raises(ScenarioError, match="there are 0"):
        Arrivals(images, 0, [])
