from typing import Any

import pytest
from clinics import clinic, measured, per_min

from simulator.language.metrics import check_metric, groups
from simulator.language.periods import periods
from simulator.language.scenario import Scenario

ILL = {"population": {"prevalence": "15 %"}}


def shifting(*shifts: dict[str, Any], **fields: Any) -> Scenario:
    return clinic(
        **{"allow_unstable": True, "horizon": "100 min", "arrivals": per_min(2)}
        | {"cases": {"source": "nominal", "population": {}}, "shifts": list(shifts)}
        | fields
    )


def told(*shifts: dict[str, Any], **fields: Any) -> list[tuple[str, float, float]]:
    found = periods(shifting(*shifts, **fields))
    return [(one.name, one.from_min, one.to_min) for one in found]


def test_a_shift_cuts_the_run_at_each_of_its_boundaries() -> None:
    rise = {"id": "rise", "at": "20 min", "over": "10 min", "until": "60 min", **ILL}
    assert told(rise) == [
        ("before", 0, 20),
        ("rise-ramp", 20, 30),
        ("rise", 30, 60),
        ("rise-end", 60, 70),
        ("rise-over", 70, 100),
    ]
    steady = [one.steady for one in periods(shifting(rise))]
    assert steady == [True, False, True, False, True]
    assert told() == []


def test_periods_without_length_are_left_out() -> None:
    assert told({"at": "20 min", **ILL}) == [("before", 0, 20), ("shift-1", 20, 100)]
    at_once = {"id": "a", "at": "0 min", "until": "40 min", **ILL}
    assert told(at_once) == [("a", 0, 40), ("a-over", 40, 100)]
    peak = {"id": "a", "at": "20 min", "over": "10 min", "until": "30 min", **ILL}
    assert [name for name, *_ in told(peak)] == ["before", "a-ramp", "a-end", "a-over"]
    late = {"id": "a", "at": "20 min", "until": "150 min", **ILL}
    assert told(late) == [("before", 0, 20), ("a", 20, 100)]


def test_of_several_shifts_the_latest_boundary_names_the_period() -> None:
    first = {"id": "a", "at": "10 min", "over": "30 min", **ILL}
    second = {"id": "b", "at": "20 min", "until": "60 min", **ILL}
    assert told(first, second) == [
        ("before", 0, 10),
        ("a-ramp", 10, 20),
        ("b", 20, 40),
        ("a", 40, 60),
        ("b-over", 60, 100),
    ]
    steady = [one.steady for one in periods(shifting(first, second))]
    assert steady == [True, False, False, True, True]  # b begins while a rises


def test_at_one_time_what_begins_names_the_period_however_they_are_listed() -> None:
    over = {"id": "a", "at": "10 min", "until": "50 min", **ILL}
    begins = {"id": "b", "at": "50 min", **ILL}
    for order in ((over, begins), (begins, over)):
        assert told(*order) == [("before", 0, 10), ("a", 10, 50), ("b", 50, 100)]


def test_no_two_periods_share_a_name() -> None:
    names = [name for name, *_ in told({"id": "before", "at": "10 min", **ILL})]
    assert names == ["before", "before-again"]


def test_patients_belong_to_the_period_in_which_they_come() -> None:
    scenario = shifting(
        {"id": "rise", "at": "20 min", "over": "10 min", **ILL},
        arrivals={"replay": {"times": [0, 19, 20, 25, 30, 31, 32, 99]}},
    )
    found = measured(scenario)
    named = [f"prevalence{{period={name}}}" for name in ("before", "rise-ramp", "rise")]
    assert [found.ratios[name][1] for name in named] == [2, 2, 4]
    assert found.ratios["prevalence"][1] == 8
    assert found.counts["wait.desk.mean{period=rise}"] == 4


def test_a_period_that_never_is_is_refused_by_name() -> None:
    scenario = shifting({"id": "rise", "at": "20 min", **ILL})
    assert groups(scenario)["period"] == ("before", "rise")
    assert list(check_metric(scenario, "prevalence{period=rise}")) == []
    [reason] = check_metric(scenario, "prevalence{period=fall}")
    assert "never 'fall' (known: before, rise)" in reason
    [reason] = check_metric(clinic(arrivals=per_min(0.5)), "wait.desk.mean{period=rise}")
    assert "no group 'period'" in reason


@pytest.mark.parametrize("name", ["prevalence", "prevalence{period=before}"])
def test_prevalence_is_the_share_that_is_malignant(name: str) -> None:
    found = measured(shifting({"at": "50 min", **ILL}, arrivals=per_min(20)))
    part, whole = found.ratios[name]
    assert found.values[name] == part / whole
    assert found.values["prevalence{truth=malignant}"] == 1
