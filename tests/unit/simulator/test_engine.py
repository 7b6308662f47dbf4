import math
from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest
from clinics import clinic
from clinics import run as simulate
from twins import Coming, FakeTwin

from simulator.clinic.arrival_times import arrival_times
from simulator.clinic.engine import Engine
from simulator.clinic.journal import Journal
from simulator.clinic.pools import State
from simulator.language.arrivals import PoissonArrivals
from simulator.language.scenario import Scenario, load
from twin.errors import DependencyError, InvariantError
from twin.events import CaseArrived, CaseClosed, CaseRejected, VerdictIssued
from twin.log import in_order

BASE = """\
name: week
seed: 4
cases: {count: 1}
arrivals: {rate_per_h: 6}
pathway:
  - {id: imaging, staff: nurse, service: {gamma: {mean: 6 min, sd: 2 min}}, then: ai}
  - {id: ai, twin: score, then: read}
  - id: read
    staff: reader
    service: {lognormal: {mean: 8 min, sd: 4 min}}
    queue: fifo
    then: end
staff: {nurse: 1, reader: 1}
decision: {reader: {sensitivity: 0.8, specificity: 0.7, weight_of_ai: 0.5}}
"""
FIXED = (
    ("{gamma: {mean: 6 min, sd: 2 min}}", "3 min"),
    ("{lognormal: {mean: 8 min, sd: 4 min}}", "5 min"),
)


def scenario(*changes: tuple[str, str]) -> Scenario:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load(text, "x.yaml")


def crowd(n: int, rate_per_h: float = 6) -> Coming:
    times = arrival_times(PoissonArrivals(rate_per_h=rate_per_h), 4, 0, "patient")
    return Coming([arrival.at_min for arrival in islice(times, n)])


def run(
    clinic: Scenario, patients: Coming, twin: FakeTwin | None = None, replication: int = 0
) -> Journal:
    return Engine(clinic, replication, patients, twin or FakeTwin()).run()


def rows(journal: Journal, node: str, *names: str) -> list[tuple[float, ...]]:
    """Columns of a node's visits, in order of arrival and visit."""
    table = journal.visits[node]
    keys = zip(table.column("patient").tolist(), table.column("visit").tolist(), strict=True)
    columns = zip(*(table.column(name).tolist() for name in names), strict=True)
    return [row for _, row in sorted(zip(keys, columns, strict=True))]


def visits(journal: Journal, node: str, name: str) -> list[float]:
    return [value for (value,) in rows(journal, node, name)]


def closed(journal: Journal, name: str) -> list[float]:
    """A column of the patients in order of arrival."""
    numbers = journal.patients.column("patient").tolist()
    return [v for _, v in sorted(zip(numbers, journal.patients.column(name).tolist(), strict=True))]


def digests(journal: Journal) -> list[str]:
    return [journal.patients.digest(), *(table.digest() for table in journal.visits.values())]


def test_the_same_run_twice_is_the_same() -> None:
    one, two = run(scenario(), crowd(200)), run(scenario(), crowd(200))
    assert (digests(one), one.events) == (digests(two), two.events)


def test_seed_and_replication_change_the_draws() -> None:
    ends = {
        tuple(closed(run(clinic, crowd(5), replication=replication), "closed_min"))
        for clinic in (scenario(), scenario(("seed: 4", "seed: 5")))
        for replication in (0, 1)
    }
    assert len(ends) == 4


def test_every_case_is_sent_answered_and_closed_once() -> None:
    twin = FakeTwin({"c00007": None})
    journal = run(scenario(), crowd(300), twin)
    ids = [f"c{index:05d}" for index in range(300)]
    assert twin.submitted == ids
    assert sorted(twin.asked) == ids
    assert sorted(event.case_id for event in twin.published) == ids
    assert sorted(journal.patients.column("patient").tolist()) == list(range(300))
    assert [e for e in journal.events if isinstance(e, CaseClosed)] == twin.published
    assert sum(isinstance(event, CaseArrived) for event in journal.events) == 300
    assert len({event.at_min for event in journal.events}) > 500
    assert journal.events == in_order(journal.events)
    assert journal.latencies == []
    assert journal.arrived == 300


def test_waits_are_those_of_a_hand_computation() -> None:
    # Imaging takes 3 and reading 5 minutes, one person each:
    #   arrives  imaged       read
    #     0       0 -  3       3 -  8
    #     1       3 -  6       8 - 13
    #     2       6 -  9      13 - 18
    #    10      10 - 13      18 - 23
    #    40      40 - 43      43 - 48
    journal = run(scenario(*FIXED), Coming([0, 1, 2, 10, 40]))
    assert visits(journal, "imaging", "start_min") == [0, 3, 6, 10, 40]
    assert visits(journal, "imaging", "waited_min") == [0, 2, 4, 0, 0]
    assert visits(journal, "read", "queued_min") == [3, 6, 9, 13, 43]
    assert visits(journal, "read", "waited_min") == [0, 2, 4, 5, 0]
    assert closed(journal, "closed_min") == [8, 13, 18, 23, 48]
    reads = [event for event in journal.events if isinstance(event, CaseClosed)]
    assert [event.at_min for event in reads] == [8, 13, 18, 23, 48]
    assert [event.waits_min for event in reads] == [
        {"imaging": a, "read": b} for a, b in [(0, 0), (2, 2), (4, 4), (0, 5), (0, 0)]
    ]
    # Little: patients there over time. Imaging 3 × 5 + 6 of waiting, reading 5 × 5 + 11.
    assert journal.areas == {"imaging": 21, "read": 36}
    assert journal.staff["nurse"].busy_min == 15
    assert journal.staff["reader"].busy_min == 25
    assert journal.staff["reader"].duty_min == journal.end_min == 48


def test_two_people_serve_one_queue() -> None:
    journal = run(scenario(*FIXED, ("reader: 1", "reader: 2")), Coming([0, 1, 2, 10]))
    # Read from 3 - 8, 6 - 11, 9 - 14, 13 - 18: nobody waits for two readers.
    assert visits(journal, "read", "waited_min") == [0, 0, 0, 0]


def test_first_come_first_served() -> None:
    # Several nurses: who arrived first need not be the first to join the reading list.
    crowded = scenario(
        ("gamma: {mean: 6 min, sd: 2 min}", "gamma: {mean: 50 min, sd: 30 min}"),
        ("nurse: 1", "nurse: 7"),
    )
    journal = run(crowded, crowd(300, rate_per_h=9))
    for node in ("imaging", "read"):
        starts = [start for _, start in sorted(rows(journal, node, "queued_min", "start_min"))]
        assert starts == sorted(starts)
        assert max(visits(journal, node, "waited_min")) > 5
    joined = visits(journal, "read", "queued_min")
    assert joined != sorted(joined)


SLOW_READER = (FIXED[0], (FIXED[1][0], "20 min"), ("queue: fifo", "queue: ai"))


def order_of_reading(scores: dict[str, float | None], times: Sequence[float]) -> list[int]:
    starts = visits(
        run(scenario(*SLOW_READER), Coming(times), FakeTwin(scores)), "read", "start_min"
    )
    return sorted(range(len(starts)), key=starts.__getitem__)


def test_the_ai_orders_the_reading_list() -> None:
    # The first is read from 3 to 23; the others join the list at 6, 9, 12 and 15.
    scores = {"c00000": 0.0, "c00001": 0.1, "c00002": 0.9, "c00003": 0.5, "c00004": 0.7}
    assert order_of_reading(scores, [0, 1, 2, 3, 4]) == [0, 2, 4, 3, 1]


def test_a_case_without_verdict_is_read_first() -> None:
    scores = {"c00000": 0.0, "c00001": 0.1, "c00002": 0.99, "c00003": None, "c00004": 0.7}
    assert order_of_reading(scores, [0, 1, 2, 3, 4]) == [0, 3, 2, 4, 1]


def test_equal_scores_keep_the_order_of_arrival() -> None:
    scores: dict[str, float | None] = {f"c{index:05d}": 0.5 for index in range(6)}
    assert order_of_reading(scores, [0, 1, 1, 1, 2, 2]) == [0, 1, 2, 3, 4, 5]


def test_patients_who_come_together_are_served_in_their_order() -> None:
    # 0.3 + (0.9 - 0.3) is above 0.9 in floating point: the clock is past the next arrival.
    journal = run(scenario(*FIXED), Coming([0.3, 0.9, 0.9, 0.9]))
    assert journal.patients.column("patient").tolist() == [0, 1, 2, 3]


def reader(sensitivity: float, specificity: float, weight: float) -> tuple[str, str]:
    old = "sensitivity: 0.8, specificity: 0.7, weight_of_ai: 0.5"
    return old, f"sensitivity: {sensitivity}, specificity: {specificity}, weight_of_ai: {weight}"


def test_a_reader_who_always_follows_decides_as_the_ai_but_where_it_is_silent() -> None:
    twin = FakeTwin({"c00003": None, "c00005": None})
    journal = run(scenario(reader(1, 1, 1)), crowd(60), twin)
    flagged, ill = closed(journal, "flagged"), closed(journal, "malignant")
    assert flagged != ill
    for number, referred in enumerate(closed(journal, "referred")):
        alone = number in {3, 5}
        assert referred == (ill if alone else flagged)[number]
        assert math.isnan(closed(journal, "p_malignant")[number]) == alone
        assert math.isnan(closed(journal, "rejected")[number]) != alone
    assert journal.words["rejected"] == {"no image": 0}


def test_a_reader_who_never_follows_decides_alone() -> None:
    right = run(scenario(reader(1, 1, 0)), crowd(60))
    assert closed(right, "referred") == closed(right, "malignant")
    wrong = run(scenario(reader(0, 0, 0)), crowd(60))
    assert closed(wrong, "referred") == [1 - ill for ill in closed(wrong, "malignant")]


def test_a_reader_alone_has_the_stated_sensitivity_and_specificity() -> None:
    journal = run(scenario(reader(0.8, 0.7, 0)), crowd(3000))
    pairs = list(zip(closed(journal, "malignant"), closed(journal, "referred"), strict=True))
    hits, alarms = sum(i * r for i, r in pairs), sum((1 - i) * r for i, r in pairs)
    # Within four standard errors of the stated values: sqrt(p (1 - p) / n).
    assert hits / 600 == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / 600))
    assert 1 - alarms / 2400 == pytest.approx(0.7, abs=4 * math.sqrt(0.21 / 2400))


def test_two_readers_decide_together() -> None:
    def referred(how: str) -> list[float]:
        second = f"  - {{id: second, staff: reader, service: 1 min, decides: {how}, then: end}}"
        twice = (("then: end", "then: second"), ("\nstaff", f"\n{second}\nstaff"))
        return closed(run(scenario(*twice), crowd(300)), "referred")

    first = closed(run(scenario(), crowd(300)), "referred")
    either, both, alone = (referred(how) for how in ("either", "both", "alone"))
    assert alone != first
    assert either == [max(a, f) for a, f in zip(alone, first, strict=True)]
    assert both == [min(a, f) for a, f in zip(alone, first, strict=True)]
    assert sum(both) < sum(first) < sum(either)


def test_a_silent_twin_leaves_the_other_opinions_as_they_were() -> None:
    full = closed(run(scenario(), crowd(100)), "referred")
    less = closed(run(scenario(), crowd(100), FakeTwin({"c00004": None})), "referred")
    assert {n for n in range(100) if full[n] != less[n]} <= {4}


def test_progress_counts_closed_cases() -> None:
    seen: list[tuple[int, int]] = []
    engine = Engine(
        scenario(), 0, crowd(300), FakeTwin(), on_progress=lambda *counts: seen.append(counts)
    )
    engine.run()
    assert seen[-1] == (300, 300)
    assert seen == sorted(seen)
    assert {64, 128, 192, 256} <= {done for done, _ in seen}


def test_a_clinic_without_patients_closes_at_once() -> None:
    journal = run(scenario(), Coming([]))
    assert (len(journal.patients), journal.end_min) == (0, 0)


class OddError(Exception):
    """Cannot be rebuilt from its args, as SimPy would."""

    def __init__(self, *, why: str) -> None:
        super().__init__()
        self.why = why


@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt(), DependencyError("gone"), OddError(why="odd"), SystemExit(3)]
)
@pytest.mark.parametrize("method", ["submit", "answer", "publish"])
def test_what_goes_wrong_comes_out_as_it_was(failure: BaseException, method: str) -> None:
    class Failing(FakeTwin):
        """Fails in one method."""

    def fail(self: object, _argument: object) -> None:
        raise failure

    setattr(Failing, method, fail)
    engine = Engine(scenario(), 0, crowd(20), Failing())
    with pytest.raises(type(failure)) as caught:
        engine.run()
    assert caught.value is failure
    assert len(engine.journal.patients) <= 1  # what happened until then is kept


def test_of_two_failures_at_once_the_first_comes_out() -> None:
    class Failing(FakeTwin):
        """Refuses every question, by name."""

        def answer(self, case_id: str) -> VerdictIssued | CaseRejected:
            raise DependencyError(case_id)

    together = scenario(*FIXED, ("nurse: 1", "nurse: 2"))
    with pytest.raises(DependencyError, match="c00000"):
        Engine(together, 0, Coming([1, 1]), Failing()).run()


def test_the_real_clock_tells_the_same_story() -> None:
    # 1,000 simulated minutes a second.
    real = scenario(("seed: 4", "seed: 4\nclock: real\nspeed: 60000"), ("queue: fifo", "queue: ai"))
    virtual = scenario(("queue: fifo", "queue: ai"))
    twin = FakeTwin({"c00003": None})
    journal = run(real, crowd(30), twin)
    expected = run(virtual, crowd(30), FakeTwin({"c00003": None}))
    assert (digests(journal), journal.events) == (digests(expected), expected.events)
    assert sorted(latency.case_id for latency in journal.latencies) == sorted(twin.submitted)
    assert all(latency.latency_ms >= 0 for latency in journal.latencies)


# What follows needs no twin: queues by hand. Patients come at listed minutes.


def at(*minutes: float) -> dict[str, Any]:
    return {"replay": {"times": list(minutes)}}


def two_classes(urgent: Sequence[float], routine: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"id": "urgent", "arrivals": at(*urgent), "priority": 0},
        {"id": "routine", "arrivals": at(*routine), "priority": 1},
    ]


def test_the_urgent_go_first() -> None:
    # Routine at 0, 1, 2; urgent at 5: the urgent is next when the first is done at 10.
    journal = simulate(
        clinic(
            classes=two_classes([5], [0, 1, 2]),
            service="10 min",
            queue={"order": "priority"},
        )
    )
    assert visits(journal, "desk", "start_min") == [0, 20, 30, 10]


def test_the_interrupted_are_resumed_where_they_were() -> None:
    # Routine from 0; urgent 4 - 14; routine goes on for its 6 minutes until 20; the next
    # routine 20 - 24, urgent 24 - 34, routine 34 - 40.
    journal = simulate(
        clinic(
            classes=two_classes([4, 24], [0, 1]),
            service="10 min",
            queue={"order": "priority", "preempt": "resume"},
        )
    )
    assert rows(journal, "desk", "start_min", "end_min", "waited_min") == [
        (0, 20, 10),
        (20, 40, 29),
        (4, 14, 0),
        (24, 34, 0),
    ]
    assert journal.staff["server"].busy_min == 40
    assert journal.areas["desk"] == 20 + 39 + 10 + 10


def test_the_least_urgent_of_those_in_service_is_interrupted() -> None:
    journal = simulate(
        clinic(
            classes=[
                {"id": name, "arrivals": at(minute), "priority": priority}
                for name, minute, priority in (("b", 0, 1), ("c", 1, 2), ("a", 2, 0))
            ],
            service="10 min",
            servers=2,
            queue={"order": "priority", "preempt": "resume"},
        )
    )
    assert rows(journal, "desk", "start_min", "end_min") == [(0, 10), (1, 19), (2, 12)]


def test_who_waits_too_long_goes_first() -> None:
    queue = {"order": "priority", "overdue_after": "15 min"}
    classes = two_classes([1, 2, 3], [0, 0.5])
    journal = simulate(clinic(classes=classes, service="10 min", queue=queue))
    # The second routine patient is overdue at 15.5 and goes before the third urgent one, who
    # is overdue as well, but later.
    assert visits(journal, "desk", "start_min") == [0, 20, 10, 30, 40]


def test_the_room_is_full() -> None:
    journal = simulate(
        clinic(
            arrivals=at(0, 1, 2, 3, 20),
            pathway=[
                {
                    "id": "desk",
                    "staff": "server",
                    "service": "10 min",
                    "queue": {"room": 1, "full": "other"},
                    "then": "end",
                },
                {"id": "other", "staff": "nurse", "service": "1 min", "then": "end"},
            ],
            staff={"server": 1, "nurse": 1},
        )
    )
    blocked, done = float(State.BLOCKED), float(State.DONE)
    assert visits(journal, "desk", "outcome") == [done, done, blocked, blocked, done]
    assert visits(journal, "other", "start_min") == [2, 3]
    assert closed(journal, "closed_min") == [10, 20, 3, 4, 30]
    assert journal.areas["desk"] == 10 + 19 + 10


def test_patience_ends_when_service_begins() -> None:
    queue = {"patience": "12 min"}
    journal = simulate(clinic(arrivals=at(0, 1, 2), service="10 min", queue=queue))
    assert rows(journal, "desk", "outcome", "end_min", "waited_min") == [
        (State.DONE, 10, 0),
        (State.DONE, 20, 9),
        (State.RENEGED, 14, 12),
    ]
    assert closed(journal, "left_early") == [0, 0, 1]
    assert closed(journal, "closed_min") == [10, 20, 14]


def test_who_balks_does_not_queue() -> None:
    queue = {"balk": {"at_length": 1}}
    journal = simulate(clinic(arrivals=at(0, 1, 2), service="10 min", queue=queue))
    assert visits(journal, "desk", "outcome") == [State.DONE, State.DONE, State.BALKED]
    assert closed(journal, "closed_min") == [10, 20, 2]


def test_staff_come_and_go_and_finish_whom_they_serve() -> None:
    # Monday 00:00 to 01:00 and from 02:00 on; service takes 50 minutes.
    staff = {"server": {"count": 1, "roster": "Mon 00:00-01:00, 02:00-24:00"}}
    journal = simulate(clinic(arrivals=at(0, 20, 30), service="50 min", staff=staff))
    assert rows(journal, "desk", "start_min", "end_min") == [(0, 50), (50, 100), (120, 170)]
    # On duty for an hour, 40 minutes over, and 50 minutes from two o'clock on.
    assert journal.staff["server"].duty_min == 60 + 40 + 50


def test_who_needs_two_is_served_when_both_are_free() -> None:
    journal = simulate(
        clinic(
            classes=[
                {"id": "a", "arrivals": at(0), "enter": "lone"},
                {"id": "b", "arrivals": at(1), "enter": "both"},
                {"id": "c", "arrivals": at(2), "enter": "room"},
            ],
            pathway=[
                {"id": "lone", "staff": "nurse", "service": "10 min", "then": "end"},
                {"id": "both", "staff": ["nurse", "room"], "service": "10 min", "then": "end"},
                {"id": "room", "staff": "room", "service": "20 min", "then": "end"},
            ],
            staff={"nurse": 1, "room": 1},
        )
    )
    # The second waits for the nurse and does not keep the room; the third takes it meanwhile.
    assert rows(journal, "both", "start_min", "end_min") == [(22, 32)]
    assert rows(journal, "room", "start_min", "end_min") == [(2, 22)]


def test_a_delay_and_ways_back() -> None:
    journal = simulate(
        clinic(
            arrivals=at(0),
            pathway=[
                {
                    "id": "desk",
                    "staff": "server",
                    "service": "10 min",
                    "then": {"lab": "visits < 3", "end": "otherwise"},
                },
                {"id": "lab", "delay": "1 h", "then": "desk"},
            ],
        )
    )
    assert rows(journal, "desk", "visit", "queued_min") == [(1, 0), (2, 70), (3, 140)]
    assert closed(journal, "closed_min") == [150]


def test_the_diagnosis_stands_when_its_node_is_done() -> None:
    journal = simulate(
        clinic(
            arrivals=at(0),
            pathway=[
                {"id": "desk", "staff": "server", "service": "10 min", "then": "lab"},
                {"id": "lab", "delay": "1 h", "diagnosis": True, "then": "talk"},
                {"id": "talk", "staff": "server", "service": "5 min", "then": "end"},
            ],
        )
    )
    assert closed(journal, "diagnosed_min") == [70]


def test_the_run_stops_at_the_horizon_or_when_all_have_left() -> None:
    fields: dict[str, Any] = {"arrivals": at(0, 1, 2), "service": "10 min", "horizon": "15 min"}
    stopped, emptied = simulate(clinic(**fields, ending="stop")), simulate(clinic(**fields))
    assert (stopped.end_min, emptied.end_min) == (15, 30)
    assert visits(stopped, "desk", "outcome") == [State.DONE, State.SERVED, State.WAITING]
    assert visits(stopped, "desk", "waited_min") == [0, 9, 13]
    assert [math.isnan(minute) for minute in closed(stopped, "closed_min")] == [False, True, True]
    assert stopped.areas["desk"] == 10 + 14 + 13
    assert stopped.staff["server"].busy_min == 15


def test_a_clinic_that_nobody_works_in_again_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # No scenario can say that nobody ever comes back; an error of ours could.
    monkeypatch.setattr("simulator.clinic.engine.capacity_changes", lambda *_: iter([(0.0, 0)]))
    with pytest.raises(InvariantError, match="2 patients wait"):
        Engine(clinic(arrivals=at(0, 1)), 0, Coming([0, 1])).run()
