from collections.abc import Sequence

import pytest
from clinics import patients
from twins import Coming

from simulator.clinic.clocks import RealClock, VirtualClock
from simulator.clinic.engine import Engine
from simulator.language.scenario import load
from twin.errors import DependencyError
from twin.events import CaseArrived, CaseClosed, CaseRejected

SCENARIO = load(
    """\
name: week
cases: {count: 1}
arrivals: {rate_per_h: 6}
pathway:
  - {id: imaging, staff: nurse, service: 1 min, then: ai}
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: 1 min, then: end}
staff: {nurse: 1, reader: 1}
""",
    "x.yaml",
)


def coming(n: int) -> Coming:
    """One patient every ten minutes."""
    return Coming([10.0 * number for number in range(n)])


def ids(n: int) -> list[str]:
    return [f"c{number:05d}" for number in range(n)]


class SlowTwin:
    """Answers after `looks` polls, or never; keeps what it was asked."""

    def __init__(self, looks: int | None = 0) -> None:
        self.looks = looks
        self.batches: list[list[str]] = []
        self.polls: dict[str, int] = {}
        self.open = 0
        self.most_open = 0

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        self.batches.append([case.case_id for case in cases])
        self.open += len(cases)
        self.most_open = max(self.most_open, self.open)

    def answer(self, case_id: str) -> CaseRejected:
        assert any(case_id in batch for batch in self.batches)
        self.open -= 1
        return CaseRejected(case_id=case_id, at_min=0.0, reason="slow")

    def poll(self, case_id: str) -> CaseRejected | None:
        self.polls[case_id] = self.polls.get(case_id, 0) + 1
        waiting = self.looks is None or self.polls[case_id] <= self.looks
        return None if waiting else self.answer(case_id)

    def publish(self, event: CaseClosed) -> None:
        pass


def test_the_virtual_clock_sends_a_window_ahead_and_not_more() -> None:
    twin = SlowTwin()
    Engine(SCENARIO, 0, coming(50), twin, clock=VirtualClock(twin, window=16)).run()
    assert [case for batch in twin.batches for case in batch] == ids(50)
    assert len(twin.batches[0]) == 16
    assert all(len(batch) == 8 for batch in twin.batches[1:-1])  # half a window at a time
    # A patient who has arrived and is not yet answered comes on top of the window.
    assert 16 <= twin.most_open <= 18


def test_patients_are_drawn_as_the_window_needs_them() -> None:
    twin, crowd = SlowTwin(), coming(50)
    ahead = VirtualClock(twin, window=16).ahead(crowd)
    assert crowd.drawn == 0
    next(ahead)
    assert crowd.drawn == 16


def test_without_a_twin_nobody_is_drawn_ahead() -> None:
    crowd = coming(50)
    next(VirtualClock(None).ahead(crowd))
    assert crowd.drawn == 1


def real(twin: SlowTwin, n: int, **options: float) -> Engine:
    # Ten minutes, the gap between two patients, are ten milliseconds.
    clock = RealClock(twin, speed=60_000, **options)
    return Engine(SCENARIO, 0, coming(n), twin, clock=clock)


def test_the_real_clock_sends_each_case_at_its_arrival() -> None:
    twin = SlowTwin()
    journal = real(twin, 5).run()
    assert twin.batches == [[case_id] for case_id in ids(5)]
    assert [latency.intended_s for latency in journal.latencies] == pytest.approx(
        [0.0, 0.01, 0.02, 0.03, 0.04]
    )


def test_a_late_answer_holds_its_patient_back_and_no_arrival() -> None:
    twin = SlowTwin(looks=6)
    journal = real(twin, 5).run()
    assert twin.batches == [[case_id] for case_id in ids(5)]
    assert patients(journal, "arrival_min") == [0, 10, 20, 30, 40]
    imaged_min = sorted(journal.visits["imaging"].column("end_min"))
    queued_min = sorted(journal.visits["read"].column("queued_min"))
    # At least four looks were the watch's, 10 ms of wall time or 10 minutes apart.
    for imaged, queued in zip(imaged_min, queued_min, strict=True):
        assert queued >= imaged + 29
    assert [latency.case_id for latency in journal.latencies] == ids(5)
    assert all(latency.latency_ms >= 29 for latency in journal.latencies)


def test_answers_are_looked_for_at_once_on_arrival_and_when_needed() -> None:
    (patient,) = coming(1)
    twin = SlowTwin(looks=0)
    clock = RealClock(twin, speed=1)
    clock.arrive(patient)
    assert [latency.case_id for latency in clock.latencies] == ["c00000"]
    twin = SlowTwin(looks=1)
    clock = RealClock(twin, speed=1)
    clock.arrive(patient)
    assert not clock.latencies
    assert clock.answer(patient).value.reason == "slow"


def test_simulated_zero_is_the_start_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = RealClock(SlowTwin(), speed=1)
    monkeypatch.setattr("simpy.rt.monotonic", lambda: 123.0)
    clock.start()
    assert clock.env.real_start == 123.0


def test_patience_ends_with_an_error_that_names_the_case() -> None:
    engine = real(SlowTwin(looks=None), 2, patience_s=0.05)
    with pytest.raises(DependencyError, match=r"no answer for case c00000 within 0\.05 s"):
        engine.run()
