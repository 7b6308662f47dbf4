from collections.abc import Sequence

import pytest

from simulator.cases.cases import Patient
from simulator.clinic.clocks import RealClock, VirtualClock
from simulator.clinic.engine import Engine
from simulator.language.scenario import load
from twin.errors import DependencyError
from twin.events import CaseArrived, CaseClosed, CaseRejected
from twin.images import BlobRef

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


class Coming:
    """One patient every ten minutes."""

    def __init__(self, n: int) -> None:
        self.expected = n
        self.drawn = 0

    def __iter__(self):
        for index in range(self.expected):
            self.drawn += 1
            yield Patient(
                index=index,
                case_id=f"c{index}",
                at_min=10.0 * index,
                image=BlobRef(sha256="0" * 64),
                malignant=False,
            )


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
    Engine(SCENARIO, 0, Coming(50), twin, clock=VirtualClock(twin, window=16)).run()
    assert [case for batch in twin.batches for case in batch] == [f"c{n}" for n in range(50)]
    assert len(twin.batches[0]) == 16
    assert all(len(batch) == 8 for batch in twin.batches[1:-1])  # half a window at a time
    # A patient who has arrived and is not yet answered comes on top of the window.
    assert 16 <= twin.most_open <= 18


def test_patients_are_drawn_as_the_window_needs_them() -> None:
    twin, coming = SlowTwin(), Coming(50)
    ahead = VirtualClock(twin, window=16).ahead(coming)
    assert coming.drawn == 0
    next(ahead)
    assert coming.drawn == 16


def real(twin: SlowTwin, n: int, **options: float) -> Engine:
    # Ten minutes, the gap between two patients, are ten milliseconds.
    clock = RealClock(twin, speed=60_000, **options)
    return Engine(SCENARIO, 0, Coming(n), twin, clock=clock)


def test_the_real_clock_sends_each_case_at_its_arrival() -> None:
    twin = SlowTwin()
    journal = real(twin, 5).run()
    assert twin.batches == [["c0"], ["c1"], ["c2"], ["c3"], ["c4"]]
    assert [latency.intended_s for latency in journal.latencies] == pytest.approx(
        [0.0, 0.01, 0.02, 0.03, 0.04]
    )


def test_a_late_answer_holds_its_patient_back_and_no_arrival() -> None:
    twin = SlowTwin(looks=6)
    journal = real(twin, 5).run()
    records = journal.records
    assert twin.batches == [["c0"], ["c1"], ["c2"], ["c3"], ["c4"]]
    assert [record.arrival_min for record in records] == [0, 10, 20, 30, 40]
    for record, latency in zip(records, journal.latencies, strict=True):
        # At least four looks were the watch's, 10 ms of wall time or 10 minutes apart.
        assert record.visits["read"].queued_min >= record.visits["imaging"].end_min + 29
        assert latency.case_id == record.case_id
        assert latency.latency_ms >= 29


def test_answers_are_looked_for_at_once_on_arrival_and_when_needed() -> None:
    (patient,) = Coming(1)
    twin = SlowTwin(looks=0)
    clock = RealClock(twin, speed=1)
    clock.arrive(patient)
    assert [latency.case_id for latency in clock.latencies] == ["c0"]
    twin = SlowTwin(looks=1)
    clock = RealClock(twin, speed=1)
    clock.arrive(patient)
    assert not clock.latencies
    assert clock.answer(patient).value.reason == "slow"


def test_simulated_zero_is_the_start_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = RealClock(SlowTwin(), speed=1)
    monkeypatch.setattr("simpy.rt.monotonic", lambda: 123.0)
    clock.start(lambda process: process.close())
    assert clock.env.real_start == 123.0


def test_patience_ends_with_an_error_that_names_the_case() -> None:
    engine = real(SlowTwin(looks=None), 2, patience_s=0.05)
    with pytest.raises(DependencyError, match=r"no answer for case c0 within 0\.05 s"):
        engine.run()
