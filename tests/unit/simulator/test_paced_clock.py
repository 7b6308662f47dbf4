"""A pace changes when things happen on the wall clock, and nothing else."""

from itertools import pairwise

import pytest
from attaching import Wall, scenario
from twins import Coming, FakeTwin

from simulator.clinic.clocks import VirtualClock
from simulator.clinic.engine import Engine
from simulator.clinic.paced_clock import NAP_S, PacedClock, Pacer
from simulator.clinic.people import People
from twin.events import CaseArrived, CaseClosed
from twin.log import digest


class Watched(FakeTwin):
    """Notes at which wall time it hears of what."""

    def __init__(self, wall: Wall, answers_after_s: float = 0.0) -> None:
        super().__init__()
        self.wall, self.answers_after_s = wall, answers_after_s
        self.heard: list[tuple[float, CaseArrived | CaseClosed]] = []

    def submit(self, cases) -> None:
        super().submit(cases)
        self.heard += [(self.wall.at_s, case) for case in cases]

    def answer(self, case_id: str):
        self.wall.at_s += self.answers_after_s
        return super().answer(case_id)

    def publish(self, event) -> None:
        super().publish(event)
        self.heard.append((self.wall.at_s, event))


def paced(twin: Watched, speed: float, patients=None, look=lambda: None) -> tuple[Engine, Pacer]:
    pacer = Pacer(speed, look, twin.wall.now_s, twin.wall.sleep)
    patients = patients or People(scenario(), 0)
    return Engine(scenario(), 0, patients, twin, clock=PacedClock(twin, pacer)), pacer


def test_the_same_happens_at_the_same_event_times_whatever_the_pace() -> None:
    twin = FakeTwin()
    free = Engine(scenario(), 0, People(scenario(), 0), twin, clock=VirtualClock(twin)).run()
    for speed, answers_after_s in ((60.0, 0.0), (6000.0, 0.0), (600.0, 2.5)):
        engine, _ = paced(Watched(Wall(), answers_after_s), speed)
        journal = engine.run()
        assert digest(journal.events) == digest(free.events)
        assert journal.latencies == []


def test_everything_happens_in_its_minute_of_the_wall_clock() -> None:
    twin = Watched(Wall())
    begun_s = twin.wall.at_s
    engine, pacer = paced(twin, 120.0)
    engine.run()
    assert len(twin.heard) > 50
    for at_s, event in twin.heard:
        assert at_s - begun_s == pytest.approx(event.at_min * 60 / 120, abs=0.5)
        assert at_s - begun_s >= event.at_min * 60 / 120
    assert [event.at_min for _, event in twin.heard] == sorted(e.at_min for _, e in twin.heard)
    assert pacer.stood_s < 0.5


def test_the_clinic_stands_still_for_an_answer_and_carries_on_at_its_pace() -> None:
    twin = Watched(Wall(), answers_after_s=3.0)
    engine, pacer = paced(twin, 600.0, Coming([0.0, 60.0, 120.0, 180.0]))
    engine.run()
    arrived_s = [at_s for at_s, event in twin.heard if isinstance(event, CaseArrived)]
    gaps_s = [later - earlier for earlier, later in pairwise(arrived_s)]
    assert gaps_s == pytest.approx([9.0, 9.0, 9.0], abs=0.1)  # 6 s of pace, 3 s of waiting
    assert pacer.stood_s == pytest.approx(12.0, abs=0.1)


def test_who_waits_is_heard_between_two_sleeps() -> None:
    wall, looks = Wall(), []
    pacer = Pacer(1.0, lambda: looks.append(wall.at_s), wall.now_s, wall.sleep)
    pacer.start()
    pacer.hold(1.0)
    assert wall.at_s - 100 == pytest.approx(60, abs=0.5)
    assert len(looks) >= 60 / NAP_S - 2
    assert max(wall.naps) <= NAP_S
    looks.clear()
    pacer.hold(0.5)  # late: at once
    assert looks == []


def test_whoever_looks_may_end_the_run() -> None:
    def look() -> None:
        raise KeyboardInterrupt

    engine, _ = paced(Watched(Wall()), 1.0, look=look)
    with pytest.raises(KeyboardInterrupt):
        engine.run()
