from contextlib import closing
from typing import Any

import numpy as np
import pytest
from clinics import clinic, exponential, per_min, replicated, run

from simulator.analysis.verification import Check, check_loads, check_run
from simulator.clinic.journal import Areas, Journal
from simulator.clinic.tables import Table
from simulator.language.scenario import Scenario

AI: dict[str, Any] = {
    "source": "nominal",
    "population": {"prevalence": 0.2},
    "ai": {"sensitivity": 0.8, "specificity": 0.8},
}


def node(name: str, staff: Any, mean_min: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"id": name, "staff": staff, "service": exponential(mean_min), "then": "end"} | more


def failed(scenario: Scenario, journal: Journal) -> list[str]:
    return [check.name for check in check_run(scenario, journal) if not check.holds]


CLASSES = [
    {"id": "urgent", "arrivals": per_min(0.3), "priority": 0},
    {"id": "routine", "arrivals": per_min(0.5), "priority": 1},
]
CLINICS: dict[str, dict[str, Any]] = {
    "fifo": {"arrivals": per_min(0.8), "service": exponential(1)},
    "stop": {"arrivals": per_min(0.95), "service": exponential(1), "ending": "stop"},
    "priority": {
        "classes": CLASSES,
        "service": exponential(1),
        "queue": {"order": "priority"},
    },
    "preempt": {
        "classes": CLASSES,
        "service": exponential(1),
        "queue": {"order": "priority", "preempt": "resume"},
        "ending": "stop",
    },
    "loss": {
        "arrivals": per_min(2),
        "service": exponential(1),
        "queue": {
            "room": 4,
            "balk": {"at_length": 2, "share": 0.3},
            "patience": exponential(2),
        },
    },
    "roster": {
        "arrivals": per_min(0.2),
        "service": exponential(2),
        "staff": {"server": {"count": 2, "roster": "daily 08:00-12:00, 13:00-20:00"}},
        "horizon": "4 d",
    },
    "joint": {
        "arrivals": per_min(0.5),
        "pathway": [
            node("desk", ["nurse", "room"], then="lab"),
            {"id": "lab", "delay": "30 min", "then": "exam"},
            node("exam", ["doctor", "room"], 1.5, then={"desk": 0.1, "end": 0.9}),
        ],
        "staff": {"nurse": 2, "doctor": 1, "room": 2},
        "ending": "stop",
    },
    "ai": {
        "arrivals": per_min(0.5),
        "cases": AI,
        "pathway": [
            node("imaging", "nurse", then="ai"),
            {"id": "ai", "twin": "score", "then": "read"},
            node("read", "reader", 1.6, queue={"order": "ai", "preempt": "resume"}),
        ],
        "staff": {"nurse": 1, "reader": 1},
        "ending": "stop",
    },
    "overdue": {
        "classes": CLASSES,
        "service": exponential(1),
        "queue": {"order": "priority", "overdue_after": "5 min"},
    },
    "empty": {"arrivals": {"replay": {"times": ["2000 min"]}}},
}


@pytest.mark.parametrize("name", CLINICS)
def test_a_sound_run_passes(name: str) -> None:
    scenario = clinic(**CLINICS[name])
    journal = run(scenario)
    checks = check_run(scenario, journal)
    assert [check for check in checks if not check.holds] == []
    for check in checks:
        assert check.words
        assert np.isfinite([check.expected, check.found, check.tolerance]).all()
    if name != "empty":
        assert {check.name for check in checks} >= {"patients.each_once", "little.clinic"}


def test_what_is_checked() -> None:
    scenario = clinic(**CLINICS["fifo"])
    assert [check.name for check in check_run(scenario, run(scenario))] == [
        "patients.each_once",
        "visits.desk",
        "patients.inside",
        "present.desk",
        "times.desk",
        "numbered.desk",
        "little.desk",
        "little.clinic",
        "work.server",
        "capacity.server",
        "order.desk",
    ]


def changed(table: Table, column: str, row: int, value: float) -> Table:
    """The table with one number of one row replaced."""
    made = Table(table.columns)
    place = table.columns.index(column)
    rows = np.concatenate(list(table.chunks()))
    for number, old in enumerate(rows.tolist()):
        made.add([value if (number, at) == (row, place) else x for at, x in enumerate(old)])
    return made


def without(table: Table, row: int) -> Table:
    made = Table(table.columns)
    for number, old in enumerate(np.concatenate(list(table.chunks())).tolist()):
        if number != row:
            made.add(old)
    return made


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("patient", 1e6, {"visits.desk"}),
        ("visit", 7.0, {"numbered.desk"}),
        ("queued_min", 0.5, {"little.desk", "work.server"}),
        ("start_min", 0.5, {"times.desk", "order.desk"}),
        ("end_min", 1000.0, {"little.desk", "work.server"}),
        ("waited_min", 5000.0, {"work.server"}),
        ("outcome", 0.0, {"present.desk", "patients.inside"}),
    ],
)
def test_a_falsified_visit_is_noticed(column: str, value: float, found: set[str]) -> None:
    scenario = clinic(**CLINICS["fifo"])
    journal = run(scenario)
    journal.visits = {"desk": changed(journal.visits["desk"], column, 300, value)}
    assert found <= set(failed(scenario, journal))


def test_a_lost_visit_is_noticed() -> None:
    scenario = clinic(**CLINICS["fifo"])
    journal = run(scenario)
    journal.visits = {"desk": without(journal.visits["desk"], 10)}
    assert {"little.desk", "work.server"} <= set(failed(scenario, journal))


def test_a_lost_or_double_patient_is_noticed() -> None:
    scenario = clinic(**CLINICS["fifo"])
    journal = run(scenario)
    whole = journal.patients
    journal.patients = without(whole, 10)
    assert failed(scenario, journal) == ["patients.each_once"]
    journal.patients = changed(whole, "patient", 10, 11.0)
    assert failed(scenario, journal) == ["patients.each_once"]
    journal.patients = changed(whole, "closed_min", 10, float("nan"))
    assert {"patients.inside", "little.clinic"} <= set(failed(scenario, journal))


def test_a_wrong_area_is_noticed() -> None:
    scenario = clinic(**CLINICS["joint"])
    journal = run(scenario)
    areas, staff = dict(journal.areas), dict(journal.staff)
    journal.areas = areas | {"exam": areas["exam"] * 1.001}
    assert failed(scenario, journal) == ["little.exam"]
    journal.areas = areas | {"exam": areas["exam"] + 1e6}
    assert failed(scenario, journal) == ["little.exam", "little.clinic"]
    journal.areas = areas
    busy_min, duty_min = staff["nurse"].busy_min, staff["nurse"].duty_min
    journal.staff = staff | {"nurse": Areas(busy_min * 0.999, duty_min)}
    assert failed(scenario, journal) == ["work.nurse"]


def test_more_at_work_than_on_duty_is_noticed() -> None:
    two = clinic(**CLINICS["stop"] | {"servers": 2})
    one = clinic(**CLINICS["stop"])
    journal = run(two)
    assert failed(two, journal) == []
    assert failed(one, journal) == ["capacity.server"]


def test_service_off_duty_is_noticed() -> None:
    whole_day = clinic(**CLINICS["roster"] | {"staff": {"server": 2}})
    by_day = clinic(**CLINICS["roster"])
    with closing(run(whole_day)) as journal:
        assert failed(by_day, journal) == ["capacity.server"]


def test_another_order_is_noticed() -> None:
    fifo, urgent_first = clinic(**CLINICS["fifo"]), clinic(**CLINICS["priority"])
    in_order = clinic(**CLINICS["priority"] | {"queue": {"order": "fifo"}})
    assert failed(in_order, run(urgent_first)) == ["order.desk"]
    assert failed(fifo, run(fifo)) == []
    by_ai = clinic(**CLINICS["ai"])
    read = CLINICS["ai"]["pathway"][-1] | {"queue": "fifo"}
    plain = clinic(**CLINICS["ai"] | {"pathway": [*CLINICS["ai"]["pathway"][:-1], read]})
    # Interruptions take the reader's place, too.
    assert failed(plain, run(by_ai)) == ["capacity.reader", "order.read"]


def loads(scenario: Scenario, replications: int = 5) -> dict[str, Check]:
    names = [f"utilisation.{group}" for group in scenario.staff]
    values = replicated(scenario, names, replications)
    return {
        check.name: check
        for check in check_loads(scenario, {name: list(v) for name, v in values.items()})
    }


def test_utilisation_is_the_load_offered() -> None:
    found = loads(clinic(**CLINICS["joint"] | {"horizon": "3000 min"}))
    visits = 1 / 0.9
    assert found["load.nurse"].expected == pytest.approx(0.5 * visits / 2)
    assert found["load.room"].expected == pytest.approx(0.5 * 2.5 * visits / 2)
    for check in found.values():
        assert check.holds
        assert "three standard errors" in check.words
        assert check.tolerance < 0.15


def test_another_utilisation_is_noticed() -> None:
    scenario = clinic(arrivals=per_min(0.5), service=exponential(1))
    assert not check_loads(scenario, {"utilisation.server": [0.61, 0.62, 0.63, 0.6]})[0].holds
    assert check_loads(scenario, {"utilisation.server": [0.5, 0.48, 0.53]})[0].holds
    assert check_loads(scenario, {}) == []


@pytest.mark.parametrize(
    ("fields", "values", "words"),
    [
        (CLINICS["loss"], [0.5, 0.6], "leave unserved"),
        (CLINICS["roster"], [0.5, 0.6], "on duty changes"),
        (CLINICS["fifo"], [0.5], "one replication"),
        ({"arrivals": per_min(0.1) | {"profile": "weekday-clinic"}}, [0.1, 0.1], "with time"),
        ({"arrivals": per_min(2), "allow_unstable": True}, [1.0, 1.0], "cannot keep up"),
        (
            {"arrivals": per_min(0.2), "cases": {"source": "nominal", "count": 9}},
            [0.3, 0.9],
            "after a number of patients",
        ),
        (
            {
                "arrivals": per_min(0.2),
                "cases": {"source": "nominal", "population": {}},
                "pathway": [
                    node("read", "reader", 1.0, then={"surgery": "referred", "end": "otherwise"}),
                    node("surgery", "server"),
                ],
                "staff": {"reader": 1, "server": 1},
            },
            [0.3, 0.9],
            "estimate",
        ),
    ],
)
def test_what_cannot_be_judged_says_so(
    fields: dict[str, Any], values: list[float], words: str
) -> None:
    [check] = check_loads(clinic(**fields), {"utilisation.server": values})
    assert check.holds
    assert check.words.startswith("not judged: ")
    assert words in check.words
    assert check.found == pytest.approx(sum(values) / len(values))
