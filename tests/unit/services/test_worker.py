"""The one loop: every case answered once, whatever is redelivered, broken or away."""

import io
import json
import threading

import pytest
from loop_samples import FakeRestacker, meta
from samples import FakeStack, arrived, closed, outage

from services import worker as worker_module
from services.bus.codec import decode
from services.bus.memory import MemoryBus
from services.bus.port import MAX_RAW_BYTES
from services.logs import open_log
from services.worker import Worker
from twin.errors import DependencyError
from twin.events import CaseRejected, EpochReached, VerdictIssued
from twin.pipeline import Pipeline
from twin.stacks import StackBook, StackVersion


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "RETRY_WAITS_S", (0.0, 0.0))


def work(
    bus: MemoryBus, stack: FakeStack, *, batch: int = 4, log=None, stacks: bool = False
) -> Worker:
    """Serve what is on the bus until there is nothing left; with a new stack book, or without."""
    book = StackBook(StackVersion(number=0, meta=meta(), threshold=0.5)) if stacks else None
    subscriber = bus.subscriber(["cases"], "worker")
    stop = threading.Event()

    class UntilEmpty:
        def poll(self, most: int, wait_s: float):
            found = subscriber.poll(most, 0.0)
            if not found:
                stop.set()
            return found

        def __getattr__(self, name: str):
            return getattr(subscriber, name)

    worker = Worker(
        UntilEmpty(),
        bus.publisher(),
        Pipeline(stack, book=book),
        batch=batch,
        log=open_log(log or io.StringIO()),
        stacks=bus.subscriber(["stacks"], "worker-stacks") if stacks else None,
    )
    worker.run(stop)
    return worker


def messages(bus: MemoryBus, topic: str):
    return bus.subscriber([topic], "test").poll(1000, 0.0)


def answers(bus: MemoryBus):
    return [decode(m.schema, m.value) for m in messages(bus, "verdicts")]


def bus_with(*events) -> MemoryBus:
    bus = MemoryBus(partitions=2)
    publisher = bus.publisher()
    for event in events:
        publisher.publish(event)
    return bus


def test_every_case_is_answered_once_and_committed() -> None:
    bus = bus_with(*(arrived(f"{n}") for n in range(9)), arrived("x1"), closed("0"))
    worker = work(bus, FakeStack())
    given = answers(bus)
    assert sorted(answer.case_id for answer in given) == [*map(str, range(9)), "x1"]
    assert sum(isinstance(answer, CaseRejected) for answer in given) == 1
    assert worker.answered == 10
    assert sum(bus.subscriber(["cases"], "worker").lag().values()) == 0


def test_cases_are_scored_in_batches_no_larger_than_asked() -> None:
    stack = FakeStack()
    work(bus_with(*(arrived(f"{n}") for n in range(10))), stack, batch=3)
    assert sum(stack.batches) == 10
    assert max(stack.batches) == 3


def test_bytes_that_are_no_event_go_to_the_dead_letters_with_their_origin() -> None:
    bus = bus_with(arrived("1"))
    bus.publisher().publish_raw("cases", "1", "CaseArrived/2", b'{"broken', {})
    worker = work(bus, FakeStack())
    (letter,) = messages(bus, "dead-letters")
    assert (letter.value, letter.key) == (b'{"broken', "1")
    assert letter.headers["origin"].startswith("cases/")
    assert letter.headers["reason"]
    assert (worker.dead_lettered, worker.answered) == (1, 1)


def test_a_dependency_that_comes_back_costs_a_retry_and_no_case() -> None:
    bus = bus_with(arrived("1"), arrived("2"))
    worker = work(bus, FakeStack([outage(), outage()]))
    assert worker.retries == 2
    assert [type(answer) for answer in answers(bus)] == [VerdictIssued, VerdictIssued]


def test_a_dependency_that_stays_away_stops_the_worker_with_nothing_committed() -> None:
    bus = bus_with(arrived("1"), arrived("2"))
    with pytest.raises(DependencyError):
        work(bus, FakeStack([outage()] * 9))
    assert sum(bus.subscriber(["cases"], "worker").lag().values()) == 2
    assert answers(bus) == []
    work(bus, FakeStack())
    assert sorted(answer.case_id for answer in answers(bus)) == ["1", "2"]


def test_a_crash_between_publishing_and_committing_repeats_the_same_verdicts() -> None:
    bus = bus_with(arrived("1"), arrived("2"))

    class CrashError(Exception):
        pass

    class CommitsNothing:
        def __init__(self) -> None:
            self.inner = bus.subscriber(["cases"], "worker")

        def poll(self, most: int, wait_s: float):
            return self.inner.poll(most, 0.0)

        def commit(self, upto) -> None:
            raise CrashError

    worker = Worker(
        CommitsNothing(),
        bus.publisher(),
        Pipeline(FakeStack()),
        batch=4,
        log=open_log(io.StringIO()),
    )
    with pytest.raises(CrashError):
        worker.run(threading.Event())
    first = answers(bus)
    work(bus, FakeStack())
    assert [answer.case_id for answer in first] == ["1"]  # the first batch is one case
    by_case = {}
    for answer in answers(bus):
        assert by_case.setdefault(answer.case_id, answer) == answer
    assert sorted(answer.case_id for answer in answers(bus)) == ["1", "1", "2"]


def test_a_line_of_log_tells_each_case() -> None:
    log = io.StringIO()
    work(bus_with(arrived("7"), arrived("x")), FakeStack(), log=log)
    lines = {line["case_id"]: line for line in map(json.loads, log.getvalue().splitlines())}
    assert lines["7"]["p_malignant"] == 0.7
    assert lines["7"]["missing"] == ["knn"]
    assert lines["x"]["rejected"] == "truncated"
    assert {line["model_id"] for line in lines.values()} == {FakeStack.model_id}


def test_bytes_too_large_for_a_dead_letter_leave_their_reason_and_origin() -> None:
    bus = bus_with(arrived("1"))
    bus.append("cases", "1", "CaseArrived/2", b"x" * (MAX_RAW_BYTES + 1), {})
    worker = work(bus, FakeStack())
    (letter,) = messages(bus, "dead-letters")
    assert letter.value == b""
    assert letter.headers["origin"].startswith("cases/")
    assert "not kept" in letter.headers["bytes"]
    assert (worker.dead_lettered, worker.answered) == (1, 1)


def test_a_new_worker_learns_all_promotions_from_the_log() -> None:
    """Also of those that an earlier worker had read, and before its first case."""
    bus = bus_with(arrived("3", 5.0), arrived("4", 15.0), arrived("5", 25.0))
    restacker = FakeRestacker({1: 0.2, 2: 0.1})
    bus.publisher().publish(restacker.begin())
    for number in (1, 2):
        epoch = EpochReached(at_min=10.0 * number, epoch=number, cases=0, feedback=0)
        for event in (epoch, *restacker.decide(epoch)):
            bus.publisher().publish(event)
    for _ in range(2):
        bus.committed.clear()
        work(bus, FakeStack(), stacks=True)
    found = answers(bus)
    assert len(found) == 6
    assert {(one.case_id, one.stack, one.threshold) for one in found} == {
        ("3", 0, 0.5),
        ("4", 1, 0.2),
        ("5", 2, 0.1),
    }
