from typing import Any

import numpy as np
import pytest
from clinics import clinic, exponential, per_min
from clinics import run as simulate

from simulator.analysis.measure import Measured, measure
from simulator.language.metrics import groups, is_grouped, names
from simulator.language.scenario import Scenario


def at(*minutes: float) -> dict[str, Any]:
    return {"replay": {"times": list(minutes)}}


def values(scenario: Scenario, warmup_min: float = 0.0) -> Measured:
    return measure(scenario, simulate(scenario), warmup_min)


# One server, ten minutes each; the run lasts 60 minutes:
#   arrives  served     waits
#      0      0 - 10      0
#      1     10 - 20      9
#      2     20 - 30     18
#     40     40 - 50      0
#     55     55 - 65      0     (unfinished when the run stops at 60)
HAND: dict[str, Any] = {"arrivals": at(0, 1, 2, 40, 55), "service": "10 min", "horizon": "60 min"}


def test_a_run_by_hand() -> None:
    found = values(clinic(**HAND, ending="stop"))
    expected = {
        "visits.desk.count": 5,
        "wait.desk.mean": 27 / 4,
        "wait.desk.p50": 4.5,
        "wait.desk.p95": 9 + 0.85 * 9,
        "wait.desk.max": 18,
        "delayed.desk.share": 2 / 4,
        "blocked.desk.share": 0,
        "balked.desk.share": 0,
        "reneged.desk.share": 0,
        "queue.desk.mean": 27 / 60,
        "queue.desk.max": 2,
        "number.desk.mean": (45 + 27) / 60,
        "utilisation.server": 45 / 60,
        "patients.arrived": 5,
        "patients.closed": 4,
        "patients.left": 0,
        "time_in_system.mean": (10 + 19 + 28 + 10) / 4,
        "time_in_system.max": 28,
        "number_in_system.mean": 72 / 60,
        "throughput.per_h": 4,
    }
    assert {name: found.values[name] for name in expected} == pytest.approx(expected)
    assert found.counts["wait.desk.mean"] == 4
    assert found.ratios["delayed.desk.share"] == (2, 4)


def test_after_the_horizon_work_goes_on_and_areas_do_not() -> None:
    found = values(clinic(**HAND))
    assert found.window.to_min == 60
    assert found.values["patients.closed"] == 5
    assert found.values["wait.desk.mean"] == 27 / 5
    assert found.values["utilisation.server"] == pytest.approx(45 / 60)
    assert found.values["throughput.per_h"] == 4  # within the window


def test_the_warm_up_is_left_out() -> None:
    found = values(clinic(**HAND, ending="stop"), warmup_min=15)
    expected = {
        "visits.desk.count": 2,
        "wait.desk.mean": 0,
        # The third waits until 20, and all are served from 15 on.
        "queue.desk.mean": 5 / 45,
        "utilisation.server": (15 + 10 + 5) / 45,
        "number.desk.mean": (5 + 15 + 15) / 45,
        "patients.arrived": 2,
        "patients.closed": 1,
        "number_in_system.mean": 35 / 45,
    }
    assert {name: found.values[name] for name in expected} == pytest.approx(expected)


def test_without_ground_there_is_a_reason_and_no_number() -> None:
    found = values(clinic(arrivals=at(2000)))
    assert found.values["patients.arrived"] == 0
    assert found.missing["wait.desk.mean"] == "nobody was served"
    assert found.missing["time_in_system.mean"] == "nobody left"
    assert found.missing["delayed.desk.share"] == "nobody came"
    assert not found.values.keys() & found.missing.keys()


def test_shares_of_those_who_are_not_served() -> None:
    queue = {"room": 1, "patience": "12 min", "balk": {"at_length": 1}}
    found = values(clinic(arrivals=at(0, 1, 2, 30, 31), service="20 min", queue=queue)).values
    # The second loses patience at 13, the third balks, the fifth reneges at 43.
    assert found["balked.desk.share"] == 1 / 5
    assert found["reneged.desk.share"] == 2 / 5
    assert found["blocked.desk.share"] == 0
    assert found["patients.left"] == 3
    assert found["wait.desk.mean"] == 0
    assert found["queue.desk.mean"] == pytest.approx(24 / 1000)


def test_interruptions_are_waits() -> None:
    scenario = clinic(
        classes=[
            {"id": "urgent", "arrivals": at(4), "priority": 0},
            {"id": "routine", "arrivals": at(0), "priority": 1},
        ],
        service="10 min",
        queue={"order": "priority", "preempt": "resume"},
        horizon="100 min",
    )
    found = values(scenario).values
    assert found["wait.desk.mean"] == 5
    assert found["delayed.desk.share"] == 0.5
    assert found["queue.desk.mean"] == pytest.approx(0.1)
    assert found["number.desk.mean"] == pytest.approx(0.3)
    assert found["utilisation.server"] == pytest.approx(0.2)


CLASSES = [
    {"id": "few", "arrivals": at(*range(0, 90, 10)), "priority": 1},
    {"id": "many", "arrivals": per_min(0.5), "priority": 0},
]


def test_groups_have_figures_where_there_are_enough() -> None:
    found = values(clinic(classes=CLASSES, service=exponential(1), queue="priority"))
    assert "wait.desk.mean{class=many}" in found.values
    assert found.missing["wait.desk.p95{class=few}"] == "only 9 visits; 10 are needed"
    mean = found.values["wait.desk.mean"] * found.counts["wait.desk.mean"]
    many = found.values["wait.desk.mean{class=many}"] * found.counts["wait.desk.mean{class=many}"]
    assert 0 < many < mean


def test_the_warm_up_holds_for_groups_too() -> None:
    scenario = clinic(classes=CLASSES, service=exponential(1), queue="priority")
    found = values(scenario, warmup_min=95)
    assert found.missing["wait.desk.p95{class=few}"] == "only 0 visits; 10 are needed"


FULL: dict[str, Any] = {
    "cases": {
        "source": "nominal",
        "population": {"prevalence": 0.3},
        "ai": {"sensitivity": 0.8, "specificity": 0.7},
    },
    "classes": [
        {"id": "a", "arrivals": per_min(0.2)},
        {"id": "b", "arrivals": per_min(0.2)},
    ],
    "pathway": [
        {"id": "ai", "twin": "score", "then": "read"},
        {
            "id": "read",
            "staff": "server",
            "service": exponential(1),
            "queue": {"order": "ai", "room": 5, "patience": exponential(10)},
            "then": {"surgery": "referred", "end": "otherwise"},
        },
        {
            "id": "surgery",
            "staff": "surgeon",
            "service": exponential(1),
            "diagnosis": True,
            "then": "end",
        },
    ],
    "staff": {"server": 1, "surgeon": 1},
}


def test_every_name_is_measured_or_missing_and_no_other_is() -> None:
    scenario = clinic(**FULL)
    found = values(scenario)
    told = set(found.values) | set(found.missing)
    assert set(names(scenario)) <= told
    assert {name for name in told if "{" not in name} == set(names(scenario))
    grouped = {name for name in names(scenario) if is_grouped(name)}
    assert {name.split("{")[0] for name in told if "{" in name} == grouped
    keys = {name.split("{")[1].split("=")[0] for name in told if "{" in name}
    assert keys == set(groups(scenario))
    for name in grouped:
        assert {f"{name}{{truth={truth}}}" for truth in ("malignant", "benign")} <= told
    assert all(np.isfinite(value) for value in found.values.values())
    assert all(found.values.keys() >= kept.keys() for kept in (found.counts, found.ratios))


def test_a_roster_has_less_time_on_duty() -> None:
    staff = {"server": {"count": 2, "roster": "Mon 00:00-01:00"}}
    found = values(clinic(arrivals=at(0, 0, 50), service="20 min", staff=staff, horizon="2 h"))
    # Ten minutes of the last service are overtime: work, and no duty.
    assert found.values["utilisation.server"] == pytest.approx(60 / 120)


def test_counted_patients_end_what_is_measured() -> None:
    fields: dict[str, Any] = {"arrivals": {"gap": "20 min"}, "service": "10 min"}
    counted = clinic(**fields, cases={"source": "nominal", "count": 3})
    assert values(counted).window.to_min == 70
    assert values(counted).values["utilisation.server"] == pytest.approx(30 / 70)
    early = clinic(**fields, cases={"source": "nominal", "count": 1000}, horizon="99 min")
    assert values(early).window.to_min == 99
