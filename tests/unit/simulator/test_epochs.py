"""Epochs: first of their time, all up to the horizon, and no case passes one undecided."""

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from clinics import facts, patients
from loop_samples import FakeRestacker, link, looped, looped_bank, run
from twins import Coming, FakeTwin

from simulator.clinic.bank_link import BankLink
from simulator.clinic.clocks import RealClock, VirtualClock
from simulator.clinic.engine import Engine
from simulator.clinic.epochs import Epochs, epoch_times
from simulator.clinic.people import People
from simulator.language.scenario import Scenario
from twin.events import (
    CaseArrived,
    CaseClosed,
    EpochReached,
    FeedbackReceived,
    StackEvent,
    StackRejected,
)

DAY_MIN = 1440.0
BANK = looped_bank()


def with_epochs(horizon: str = "5 d", **fields: object) -> Scenario:
    feedback = {"delay": {"exponential": {"mean": "6 h"}}, "verified": {"discharged": 0.5}}
    return looped(horizon=horizon, feedback=feedback, restack={"every": "1 d"}, **fields)


def epochs_of(events: Sequence[object]) -> list[EpochReached]:
    return [event for event in events if isinstance(event, EpochReached)]


class Spy(BankLink):
    """Notes how many epochs were decided when each case was submitted."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        self.decided = 0
        self.sent: list[tuple[float, int]] = []
        self.most = 0

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        self.sent += [(case.at_min, self.decided) for case in cases]
        self.most = max(self.most, len(cases))
        super().submit(cases)

    def epoch(self, event: EpochReached) -> list[StackEvent]:
        found = super().epoch(event)
        self.decided += 1
        return found


@pytest.mark.parametrize(
    ("horizon", "every", "expected"),
    [
        ("7 d", "1 d", 7),  # the last one falls on the horizon
        ("7 d", "2 d", 3),
        ("1 d", "1 d", 1),
        ("10 h", "6 min", 100),
        ("1 h", "7 min", 8),
    ],
)
def test_epochs_go_up_to_the_horizon(horizon: str, every: str, expected: int) -> None:
    times = epoch_times(looped(horizon=horizon, drift={"every": every}))
    assert len(times) == expected
    assert times[0] == pytest.approx(times[-1] / expected)


def test_without_restacking_or_drift_there_is_none() -> None:
    assert epoch_times(looped(feedback={"delay": "1 d"})) == ()
    journal = run(looped(faults=[{"at": "1 d", "for": "1 d", "component": "svm"}]), BANK)
    assert epochs_of(journal.events) == journal.stack_events == []


def test_an_epoch_tells_how_much_came_before_it() -> None:
    journal = run(with_epochs(), BANK)
    told = epochs_of(journal.events)
    assert [one.epoch for one in told] == [1, 2, 3, 4, 5]
    assert [one.at_min for one in told] == [number * DAY_MIN for number in range(1, 6)]
    for one in told:
        before = [event for event in journal.events if event.at_min < one.at_min]
        assert one.cases == sum(isinstance(event, CaseArrived) for event in before) > 0
        assert one.feedback == sum(isinstance(event, FeedbackReceived) for event in before) > 0


def test_what_happens_at_the_very_time_of_an_epoch_comes_after_it() -> None:
    """Arrivals, ends of service and labels, all on the hour."""
    scenario = looped(
        horizon="10 h",
        arrivals={"replay": {"times": [f"{n} h" for n in range(9)]}},
        pathway=[{"id": "read", "staff": "reader", "service": "1 h", "then": "end"}],
        staff={"reader": 9},
        feedback={"delay": "2 h", "verified": {"discharged": 1}},
        restack={"every": "1 h"},
    )
    restacker = FakeRestacker()
    journal = run(scenario, BANK, link(scenario, BANK, restacker))
    place = {id(event): number for number, event in enumerate(journal.events)}
    for one in epochs_of(journal.events):
        together = [event for event in journal.events if event.at_min == one.at_min]
        assert place[id(one)] == min(place[id(event)] for event in together)
    assert [one.cases for one in epochs_of(journal.events)] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    # Left after an hour, told of after two more: the label of the first comes at the third hour.
    assert [one.feedback for one in epochs_of(journal.events)] == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    closed = [event.at_min for event in journal.events if isinstance(event, CaseClosed)]
    assert closed == [60.0 * n for n in range(1, 10)]


@pytest.mark.parametrize("window", [1, 16, 2048])
def test_no_case_is_sent_before_the_epochs_that_it_comes_after_are_decided(window: int) -> None:
    scenario = with_epochs()
    spy = link(scenario, BANK, FakeRestacker(), Spy)
    assert isinstance(spy, Spy)
    clock = VirtualClock(spy, window=window)
    journal = Engine(scenario, 0, People(scenario, 0, bank=BANK), spy, clock=clock).run()
    assert len(spy.sent) == journal.arrived > 1000
    assert [at_min for at_min, _ in spy.sent] == sorted(at_min for at_min, _ in spy.sent)
    for at_min, decided in spy.sent:
        assert decided == math.floor(at_min / DAY_MIN)
    assert spy.most <= window
    if window > 1:
        assert spy.most >= min(window, 200), "cases still go in large batches"


def test_the_window_changes_nothing_of_a_run() -> None:
    scenario = with_epochs()
    digests = set()
    for window in (1, 7, 2048):
        twin = link(scenario, BANK, FakeRestacker({1: 0.3, 3: 0.7}))
        clock = VirtualClock(twin, window=window)
        digests.add(
            twin.digest(
                Engine(scenario, 0, People(scenario, 0, bank=BANK), twin, clock=clock).run()
            )
        )
    assert len(digests) == 1


def test_decisions_are_kept_in_order_and_version_0_comes_first() -> None:
    journal = run(with_epochs(), BANK)
    assert [one.epoch for one in journal.stack_events] == [0, 1, 2, 3, 4, 5]
    assert all(isinstance(one, StackRejected) for one in journal.stack_events[1:])


def test_a_clinic_that_empties_early_has_all_epochs_all_the_same() -> None:
    quiet = with_epochs(arrivals={"replay": {"times": ["1 h", "2 h"]}})
    journal = run(quiet, BANK)
    assert [one.epoch for one in epochs_of(journal.events)] == [1, 2, 3, 4, 5]
    assert journal.end_min == 5 * DAY_MIN


def test_where_the_patients_run_out_the_run_ends_with_the_last() -> None:
    counted = with_epochs(cases={"count": 300})
    bare = looped(cases={"count": 300}, horizon="5 d")
    journal = run(counted, BANK)
    assert journal.end_min == run(bare, BANK).end_min < 2 * DAY_MIN
    assert len(epochs_of(journal.events)) == 1


def test_a_run_that_stops_at_the_horizon_has_the_last_epoch() -> None:
    journal = run(with_epochs(ending="stop"), BANK)
    assert journal.end_min == 5 * DAY_MIN
    assert len(epochs_of(journal.events)) == 5
    assert len(journal.stack_events) == 6


def test_epochs_leave_patients_as_they_were() -> None:
    bare, told = run(looped(horizon="5 d"), BANK), run(with_epochs(), BANK)
    for name in ("bank_entry", "p_malignant", "referred"):
        assert facts(bare, name) == facts(told, name)
    # The calendar is aimed more exactly where there are epochs: by a bit of a double at most.
    for name in ("arrival_min", "closed_min"):
        assert facts(bare, name) == pytest.approx(facts(told, name), abs=1e-9)


def test_the_calendar_comes_to_the_very_time_of_an_arrival() -> None:
    env = VirtualClock(None).env
    epochs = Epochs(env, (), lambda event: None)
    times = [0.1 + 0.37 * number**1.7 for number in range(2000)]
    for now_min, at_min in pairwise(times):
        env._now = now_min
        assert now_min + epochs.delay_to(at_min) == at_min


class Deciding(FakeTwin):
    """A twin on the wall clock that says what it was told before each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[tuple[int, int]] = []

    def epoch(self, event: EpochReached) -> list[StackEvent]:
        self.epochs.append((event.epoch, len(self.submitted)))
        return []


def test_the_real_clock_sends_cases_as_they_come_and_asks_at_epochs() -> None:
    scenario = looped(
        cases={"bank": None, "count": 5},
        horizon="1 h",
        drift={"every": "15 min"},
        pathway=[
            {"id": "ai", "twin": "score", "then": "read"},
            {"id": "read", "staff": "reader", "service": "1 min", "then": "end"},
        ],
    )
    twin = Deciding()
    clock = RealClock(twin, speed=60_000)
    coming = Coming([10.0, 20.0, 30.0, 40.0, 50.0])
    journal = Engine(scenario, 0, coming, twin, clock=clock).run()
    # The case that comes at the very time of the second epoch is sent after it.
    assert twin.epochs == [(1, 1), (2, 2), (3, 4)]
    assert [one.cases for one in epochs_of(journal.events)] == [1, 2, 4]
    assert patients(journal, "arrival_min") == [10, 20, 30, 40, 50]
