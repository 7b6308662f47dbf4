"""Law 9 at the level of a run: what a change does not touch stays equal, patient by patient."""

import copy
from typing import Any

import pytest
from clinics import clinic, column, exponential, facts, run, service_min

from simulator.clinic.journal import Journal

GAMMA = {"gamma": {"mean": "9 min", "sd": "4 min"}}
BASE: dict[str, Any] = {
    "arrivals": {"rate_per_h": 6, "no_show": 0.1},
    "horizon": "5 d",
    "cases": {
        "source": "nominal",
        "population": {"prevalence": 0.2},
        "ai": {"sensitivity": 0.8, "specificity": 0.8},
    },
    "classes": [
        {"id": "walk-in", "share": 0.6, "priority": 1, "attributes": {"wheelchair": 0.2}},
        {"id": "referred", "share": 0.4, "service": {"triage": "4 min"}},
    ],
    "pathway": [
        {"id": "triage", "staff": "nurse", "service": exponential(6), "then": "ai"},
        {"id": "ai", "twin": "score", "then": {"exam": 0.7, "end": "otherwise"}},
        {
            "id": "exam",
            "staff": "room",
            "service": GAMMA,
            "queue": {"patience": exponential(60)},
            "then": {"read": 0.9, "exam": 0.1},
        },
        {
            "id": "read",
            "staff": "reader",
            "service": GAMMA,
            "queue": "ai",
            "then": {"biopsy": "referred", "end": "otherwise"},
        },
        {"id": "biopsy", "staff": "surgeon", "service": exponential(15), "then": "end"},
    ],
    "staff": {"nurse": 1, "room": 2, "reader": 1, "surgeon": 1},
    "decision": {"reader": {"sensitivity": 0.9, "specificity": 0.6, "weight_of_ai": 0.3}},
}


def changed(**changes: Any) -> dict[str, Any]:
    """The base scenario with dotted keys (double underscores for dots) set."""
    data = copy.deepcopy(BASE)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place: Any = data
        for parent in parents:
            place = place[int(parent) if parent.isdigit() else parent]
        place[int(last) if last.isdigit() else last] = value
    return data


@pytest.fixture(scope="module")
def base() -> Journal:
    return run(clinic(**BASE))


WHO = ("arrival_min", "malignant", "p_malignant", "age", "sex", "site", "skin_tone")


def same_patients(one: Journal, two: Journal) -> None:
    assert len(one.patients) > 500
    for name in WHO:
        assert facts(one, name) == facts(two, name)


def same_visits(one: Journal, two: Journal, *nodes: str) -> None:
    """Every visit is the same in all its times."""
    for node in nodes:
        for name in ("queued_min", "start_min", "end_min", "waited_min", "outcome"):
            before, after = column(one, node, name), column(two, node, name)
            assert repr(before) == repr(after)  # not-a-number is not equal to itself


def same_services(one: Journal, two: Journal, *nodes: str) -> None:
    """Whoever is served in both takes the same time."""
    for node in nodes:
        before, after = service_min(one, node), service_min(two, node)
        both = before.keys() & after.keys()
        assert len(both) > 100
        assert [before[v] for v in both] == pytest.approx([after[v] for v in both], abs=1e-6)


def same_opinions(one: Journal, two: Journal) -> None:
    before, after = facts(one, "referred"), facts(two, "referred")
    both = [who for who in before if -1 not in (before[who], after.get(who, -1))]
    assert len(both) > 100
    assert [before[who] for who in both] == [after[who] for who in both]


def test_the_same_run_twice_is_the_same(base: Journal) -> None:
    again = run(clinic(**BASE))
    assert again.patients.digest() == base.patients.digest()
    assert {n: t.digest() for n, t in again.visits.items()} == {
        n: t.digest() for n, t in base.visits.items()
    }


@pytest.mark.parametrize(
    "change",
    [{"staff__surgeon": 2}, {"pathway__4__service": "5 min"}, {"pathway__4__queue": "priority"}],
    ids=str,
)
def test_one_more_unit_downstream_leaves_everything_upstream(
    base: Journal, change: dict[str, Any]
) -> None:
    after = run(clinic(**changed(**change)))
    same_patients(base, after)
    same_visits(base, after, "triage", "exam", "read")
    same_opinions(base, after)
    assert repr(column(base, "biopsy", "end_min")) != repr(column(after, "biopsy", "end_min"))


def test_one_more_exam_room_leaves_draws_routes_and_waits_upstream(base: Journal) -> None:
    after = run(clinic(**changed(staff__room=3)))
    same_patients(base, after)
    same_visits(base, after, "triage")
    same_services(base, after, "triage", "exam", "read", "biopsy")
    same_opinions(base, after)
    waited = [sum(column(one, "exam", "waited_min").values()) for one in (base, after)]
    assert waited[0] > waited[1]


def test_one_more_node_downstream_leaves_everything_upstream(base: Journal) -> None:
    node = {"id": "check-out", "staff": "clerk", "service": exponential(2), "then": "end"}
    data = changed(
        staff__clerk=1, pathway__4__then="check-out", pathway__3__then={"biopsy": "referred"}
    )
    data["pathway"][3]["then"]["check-out"] = "otherwise"
    data["pathway"].append(node)
    after = run(clinic(**data))
    same_patients(base, after)
    same_visits(base, after, "triage", "exam", "read", "biopsy")
    assert len(after.visits["check-out"]) > 100


@pytest.mark.parametrize(
    "change",
    [
        {"staff__reader": 2},
        {"pathway__3__queue": "fifo"},
        {"pathway__3__queue": {"order": "flag", "preempt": "resume"}},
        {"pathway__3__queue": {"order": "ai", "overdue_after": "20 min"}},
    ],
    ids=str,
)
def test_more_readers_or_another_order(base: Journal, change: dict[str, Any]) -> None:
    after = run(clinic(**changed(**change)))
    same_patients(base, after)
    same_visits(base, after, "triage", "exam")
    same_services(base, after, "read", "biopsy")
    same_opinions(base, after)
    assert column(base, "read", "waited_min") != column(after, "read", "waited_min")


def test_another_class_leaves_the_patients_of_the_others(base: Journal) -> None:
    extra = {"id": "late", "arrivals": {"rate_per_h": 1}}
    after = run(clinic(**changed(classes=[*BASE["classes"], extra], staff__nurse=2)))
    for name in WHO:
        before, now = facts(base, name), facts(after, name)
        assert before == {who: value for who, value in now.items() if who[0] != "late"}
        assert len(now) > len(before)
    same_services(base, after, "triage", "exam", "read", "biopsy")
    same_opinions(base, after)


def test_another_attribute_leaves_everything(base: Journal) -> None:
    attributes = {"wheelchair": 0.2, "language": {"en": 0.5, "de": 0.5}}
    after = run(clinic(**changed(classes__0__attributes=attributes)))
    same_patients(base, after)
    same_visits(base, after, "triage", "exam", "read", "biopsy")


def test_another_share_of_no_shows_leaves_those_who_come_in_both(base: Journal) -> None:
    after = run(clinic(**changed(arrivals__no_show=0.3)))
    before = facts(base, "arrival_min")
    assert 0.7 < len(after.patients) / len(base.patients) < 0.85
    for name in WHO:
        all_of, fewer = facts(base, name), facts(after, name)
        assert fewer == {who: all_of[who] for who in fewer}
    assert facts(after, "arrival_min").keys() < before.keys()
    same_services(base, after, "triage", "exam", "read")
    same_opinions(base, after)


def test_another_rate_keeps_each_patients_draws(base: Journal) -> None:
    after = run(clinic(**changed(arrivals__rate_per_h=5)))
    # The same patients in the same order, each at 6 / 5 of the time.
    before, now = facts(base, "arrival_min"), facts(after, "arrival_min")
    assert now.keys() <= before.keys()
    assert [now[who] for who in now] == pytest.approx([before[who] * 1.2 for who in now], abs=1e-5)
    same_services(base, after, "triage", "exam", "read")
    same_opinions(base, after)


def test_another_mean_stretches_the_services(base: Journal) -> None:
    after = run(clinic(**changed(pathway__4__service=exponential(30))))
    before, now = service_min(base, "biopsy"), service_min(after, "biopsy")
    assert [now[visit] for visit in now] == pytest.approx(
        [2 * before[visit] for visit in now], abs=1e-4
    )


def test_another_prevalence_makes_more_ill_and_nobody_well(base: Journal) -> None:
    after = run(clinic(**changed(cases__population__prevalence=0.3)))
    before, now = facts(base, "malignant"), facts(after, "malignant")
    assert all(now[who] >= before[who] for who in before)
    assert sum(now.values()) > sum(before.values())
    same_visits(base, after, "triage")
    assert facts(base, "age") == facts(after, "age")


def test_replications_and_seeds_share_nothing(base: Journal) -> None:
    runs = [base, run(clinic(**BASE), 1), run(clinic(**BASE, seed=2))]
    for name in ("arrival_min", "age"):
        columns = [list(facts(one, name).values())[:100] for one in runs]
        assert len({tuple(values) for values in columns}) == 3
    services = [list(service_min(one, "triage").values())[:100] for one in runs]
    assert len({tuple(values) for values in services}) == 3
