import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from simulator.analysis.metrics import summarise
from simulator.cases.cases import Patient
from simulator.clinic.arrivals import poisson_times
from simulator.clinic.engine import Engine
from simulator.clinic.journal import CaseRecord, Journal
from simulator.language.scenario import Scenario, load
from simulator.language.schema import StaffSpec
from twin.errors import DependencyError
from twin.events import CaseArrived, CaseClosed, CaseRejected, VerdictIssued
from twin.images import BlobRef
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


@dataclass
class Coming:
    """Patients at given times; every fifth one is ill."""

    times: Sequence[float]

    @property
    def expected(self) -> int:
        return len(self.times)

    def __iter__(self) -> Iterator[Patient]:
        for index, at_min in enumerate(self.times):
            yield Patient(
                index=index,
                case_id=f"c{index:05d}",
                at_min=at_min,
                image=BlobRef(sha256="0" * 64),
                malignant=index % 5 == 0,
            )


def crowd(n: int, rate_per_h: float = 6) -> Coming:
    times = poisson_times(rate_per_h, 4, 0)
    return Coming([next(times) for _ in range(n)])


class FakeTwin:
    """Answers at once: a probability made of the case's id, or the one that it was given."""

    def __init__(self, scores: dict[str, float | None] | None = None) -> None:
        self.scores = scores or {}
        self.submitted: list[str] = []
        self.cases: dict[str, CaseArrived] = {}
        self.asked: list[str] = []
        self.published: list[CaseClosed] = []

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        self.submitted += [case.case_id for case in cases]
        self.cases.update((case.case_id, case) for case in cases)

    def answer(self, case_id: str) -> VerdictIssued | CaseRejected:
        self.asked.append(case_id)
        at_min = self.cases.pop(case_id).at_min
        p = self.scores.get(case_id, hashlib.sha256(case_id.encode()).digest()[0] / 255)
        if p is None:
            return CaseRejected(case_id=case_id, at_min=at_min, reason="no image")
        return VerdictIssued(
            case_id=case_id,
            at_min=at_min,
            p_malignant=p,
            threshold=0.5,
            malignant=p >= 0.5,
            log_odds={},
            model_id="m",
        )

    def poll(self, case_id: str) -> VerdictIssued | CaseRejected | None:
        return self.answer(case_id)

    def publish(self, event: CaseClosed) -> None:
        self.published.append(event)


def run(
    clinic: Scenario, patients: Coming, twin: FakeTwin | None = None, replication: int = 0
) -> Journal:
    return Engine(clinic, replication, patients, twin or FakeTwin()).run()


def by_case(journal: Journal) -> dict[str, CaseRecord]:
    return {record.case_id: record for record in journal.records}


def test_the_same_run_twice_is_the_same() -> None:
    one, two = run(scenario(), crowd(200)), run(scenario(), crowd(200))
    assert (one.records, one.events) == (two.records, two.events)


def test_seed_and_replication_change_the_draws() -> None:
    ends = {
        tuple(r.closed_min for r in run(clinic, crowd(5), replication=replication).records)
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
    assert sorted(record.case_id for record in journal.records) == ids
    assert [e for e in journal.events if isinstance(e, CaseClosed)] == twin.published
    assert sum(isinstance(event, CaseArrived) for event in journal.events) == 300
    assert len({event.at_min for event in journal.events}) > 500
    assert journal.events == in_order(journal.events)
    assert journal.latencies == []


def test_waits_are_those_of_a_hand_computation() -> None:
    # Imaging takes 3 and reading 5 minutes, one person each:
    #   arrives  imaged       read
    #     0       0 -  3       3 -  8
    #     1       3 -  6       8 - 13
    #     2       6 -  9      13 - 18
    #    10      10 - 13      18 - 23
    #    40      40 - 43      43 - 48
    journal = run(scenario(*FIXED), Coming([0, 1, 2, 10, 40]))
    visits = [record.visits for record in journal.records]
    assert [v["imaging"].start_min for v in visits] == [0, 3, 6, 10, 40]
    assert [v["imaging"].wait_min for v in visits] == [0, 2, 4, 0, 0]
    assert [v["read"].queued_min for v in visits] == [3, 6, 9, 13, 43]
    assert [v["read"].wait_min for v in visits] == [0, 2, 4, 5, 0]
    assert [record.closed_min for record in journal.records] == [8, 13, 18, 23, 48]
    reads = [event for event in journal.events if isinstance(event, CaseClosed)]
    assert [event.at_min for event in reads] == [8, 13, 18, 23, 48]
    assert [event.imaging_wait_min for event in reads] == [0, 2, 4, 0, 0]
    assert [event.read_wait_min for event in reads] == [0, 2, 4, 5, 0]


def test_two_people_serve_one_queue() -> None:
    clinic = scenario(*FIXED, ("reader: 1", "reader: 2"))
    journal = run(clinic, Coming([0, 1, 2, 10]))
    # Read from 3 - 8, 6 - 11, 9 - 14, 13 - 18: nobody waits for two readers.
    assert [record.visits["read"].wait_min for record in journal.records] == [0, 0, 0, 0]
    assert summarise(journal.records, clinic).utilisation["reader"].value == pytest.approx(20 / 36)


def test_first_come_first_served() -> None:
    # Several nurses: who arrived first need not be the first to join the reading list.
    crowded = scenario(("gamma: {mean: 6 min, sd: 2 min}", "gamma: {mean: 50 min, sd: 30 min}"))
    clinic = crowded.model_copy(update={"staff": {**crowded.staff, "nurse": StaffSpec(count=7)}})
    journal = run(clinic, crowd(300, rate_per_h=9))
    for node in ("imaging", "read"):
        visits = sorted((r.visits[node] for r in journal.records), key=lambda v: v.queued_min)
        starts = [visit.start_min for visit in visits]
        assert starts == sorted(starts)
        assert max(visit.wait_min for visit in visits) > 5


SLOW_READER = (FIXED[0], (FIXED[1][0], "20 min"), ("queue: fifo", "queue: ai"))


def order_of_reading(scores: dict[str, float | None], times: Sequence[float]) -> list[int]:
    journal = run(scenario(*SLOW_READER), Coming(times), FakeTwin(scores))
    return [int(record.case_id[1:]) for record in journal.records]


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
    assert [record.case_id for record in journal.records] == [f"c0000{n}" for n in range(4)]


@pytest.mark.parametrize(
    "change", [("reader: 1", "reader: 2"), ("queue: fifo", "queue: ai"), ("reader: 1", "reader: 3")]
)
def test_another_reader_or_order_leaves_every_draw_as_it_was(change: tuple[str, str]) -> None:
    one = by_case(run(scenario(), crowd(300, rate_per_h=7)))
    two = by_case(run(scenario(change), crowd(300, rate_per_h=7)))
    assert one.keys() == two.keys()
    for case_id, before in one.items():
        after = two[case_id]
        assert after.arrival_min == before.arrival_min
        assert after.visits["imaging"] == before.visits["imaging"]
        assert after.referred == before.referred
        took = [r.visits["read"].end_min - r.visits["read"].start_min for r in (before, after)]
        assert took[0] == pytest.approx(took[1], abs=1e-9)  # a difference of clock readings
    waited = [math.fsum(r.visits["read"].wait_min for r in run.values()) for run in (one, two)]
    assert waited[0] != waited[1]


def test_imaging_and_reading_have_draws_of_their_own() -> None:
    alike = ("{lognormal: {mean: 8 min, sd: 4 min}}", "{gamma: {mean: 6 min, sd: 2 min}}")
    for record in run(scenario(alike), crowd(20)).records:
        imaging, read = record.visits["imaging"], record.visits["read"]
        took = [visit.end_min - visit.start_min for visit in (imaging, read)]
        assert took[0] != pytest.approx(took[1], abs=1e-6)


def reader(sensitivity: float, specificity: float, weight: float) -> tuple[str, str]:
    old = "sensitivity: 0.8, specificity: 0.7, weight_of_ai: 0.5"
    return old, f"sensitivity: {sensitivity}, specificity: {specificity}, weight_of_ai: {weight}"


def test_a_reader_who_always_follows_decides_as_the_ai_but_where_it_is_silent() -> None:
    twin = FakeTwin({"c00003": None, "c00005": None})
    journal = run(scenario(reader(1, 1, 1)), crowd(60), twin)
    assert any(r.ai_malignant != r.malignant for r in journal.records)
    for record in journal.records:
        alone = record.ai_malignant is None
        assert record.referred == (record.malignant if alone else record.ai_malignant)
        assert (record.rejected == "no image") == alone
        assert (record.p_malignant is None) == alone


def test_a_reader_who_never_follows_decides_alone() -> None:
    right = run(scenario(reader(1, 1, 0)), crowd(60))
    assert all(record.referred == record.malignant for record in right.records)
    wrong = run(scenario(reader(0, 0, 0)), crowd(60))
    assert all(record.referred != record.malignant for record in wrong.records)


def test_a_reader_alone_has_the_stated_sensitivity_and_specificity() -> None:
    clinic = scenario(reader(0.8, 0.7, 0))
    summary = summarise(run(clinic, crowd(3000)).records, clinic)
    # Within four standard errors of the stated values: sqrt(p (1 - p) / n).
    assert summary.sensitivity.value == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / 600))
    assert summary.specificity.value == pytest.approx(0.7, abs=4 * math.sqrt(0.21 / 2400))


def test_a_silent_twin_leaves_the_other_opinions_as_they_were() -> None:
    full = by_case(run(scenario(), crowd(100)))
    less = by_case(run(scenario(), crowd(100), FakeTwin({"c00004": None})))
    changed = {case_id for case_id in full if full[case_id].referred != less[case_id].referred}
    assert changed <= {"c00004"}


def test_progress_counts_closed_cases() -> None:
    seen: list[tuple[int, int]] = []
    Engine(
        scenario(), 0, crowd(5), FakeTwin(), on_progress=lambda *counts: seen.append(counts)
    ).run()
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_a_clinic_without_patients_closes_at_once() -> None:
    assert run(scenario(), Coming([])).records == []


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
    assert len(engine.journal.records) <= 1  # what happened until then is kept


def test_of_two_failures_at_once_the_first_comes_out() -> None:
    class Failing(FakeTwin):
        """Refuses every question, by name."""

        def answer(self, case_id: str) -> VerdictIssued | CaseRejected:
            raise DependencyError(case_id)

    together = scenario(*FIXED, ("nurse: 1", "nurse: 2"))
    with pytest.raises(DependencyError, match="c00000"):
        Engine(together, 0, Coming([1, 1]), Failing()).run()


def test_mean_wait_of_a_solvable_queue() -> None:
    # M/M/1, rho 0.5, mean service 10: Wq = rho / (mu - lambda) = 10 minutes. The asymptotic
    # variance of the mean wait is rho (2 + 5 rho - 4 rho^2 + rho^3) / (mu^2 (1 - rho)^4 n) (Daley
    # 1968, Journal of the Australian Mathematical Society 8, 683-699): 2900 / n; 3 errors are 1.14.
    clinic = scenario(
        ("{gamma: {mean: 6 min, sd: 2 min}}", "0 min"),
        ("{lognormal: {mean: 8 min, sd: 4 min}}", "{exponential: {mean: 10 min}}"),
    )
    journal = run(clinic, crowd(20_000, rate_per_h=3))
    mean_min = summarise(journal.records, clinic).waits["read"].mean_min
    assert mean_min == pytest.approx(10, abs=3 * math.sqrt(2900 / 20_000))


def test_the_real_clock_tells_the_same_story() -> None:
    # 1,000 simulated minutes a second.
    real = scenario(("seed: 4", "seed: 4\nclock: real\nspeed: 60000"), ("queue: fifo", "queue: ai"))
    virtual = scenario(("queue: fifo", "queue: ai"))
    twin = FakeTwin({"c00003": None})
    journal = run(real, crowd(30), twin)
    expected = run(virtual, crowd(30), FakeTwin({"c00003": None}))
    assert (journal.records, journal.events) == (expected.records, expected.events)
    assert sorted(latency.case_id for latency in journal.latencies) == sorted(twin.submitted)
    assert all(latency.latency_ms >= 0 for latency in journal.latencies)


def test_records_carry_what_is_known_of_the_patient() -> None:
    class One(Coming):
        def __iter__(self) -> Iterator[Patient]:
            for patient in super().__iter__():
                yield replace(
                    patient, diagnosis="nevus", age=40, sex="male", site="back", skin_tone="II"
                )

    (record,) = run(scenario(), One([1.0])).records
    assert (record.diagnosis, record.age, record.sex) == ("nevus", 40, "male")
    assert (record.site, record.skin_tone, record.arrival_min) == ("back", "II", 1.0)
