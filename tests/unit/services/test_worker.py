"""The one loop: every case answered once, whatever is redelivered, broken or away."""

import io
import json
import threading
from functools import partial

import pytest
from loop_samples import FakeRestacker, meta
from samples import FakeStack, arrived, closed, outage

from services import worker as worker_module
from services.beats import Beats
from services.bus.codec import decode
from services.bus.memory import MemoryBus
from services.bus.port import MAX_RAW_BYTES
from services.logs import open_log
from services.worker import Worker
from twin.errors import DependencyError
from twin.events import CaseRejected, EpochReached, VerdictIssued
from twin.log import digest
from twin.pipeline import Pipeline
from twin.stacks import StackBook, StackVersion


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "RETRY_WAITS_S", (0.0, 0.0))


def work(
    bus: MemoryBus,
    stack: FakeStack,
    *,
    batch: int = 4,
    log=None,
    stacks: bool = False,
    beats: Beats | None = None,
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
        beats=beats,
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
    assert letter.headers["bytes"] == str(MAX_RAW_BYTES + 1)
    assert str(MAX_RAW_BYTES) in letter.headers["not_kept"]
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


def told_by(bus: MemoryBus, stack: FakeStack):
    """Serve what is on the bus; return what the worker said of itself, on the log."""
    work(bus, stack, beats=Beats("worker", "m", "cases", bus.publisher().publish))
    return [decode(m.schema, m.value) for m in messages(bus, "components")]


def test_the_worker_says_what_it_did() -> None:
    bus = bus_with(*(arrived(f"{n}") for n in range(4)), arrived("x"), closed("0"))
    bus.publisher().publish_raw("cases", "1", "CaseArrived/2", b"{", {})
    first, last = told_by(bus, FakeStack())
    assert (first.component, first.state, first.facts["cases"]) == ("worker", "ready", 0.0)
    assert (last.state, last.reason) == ("stopped", "the twin was stopped")
    wanted = {"cases": 5.0, "rejected": 1.0, "dead_lettered": 1.0, "retries": 0.0, "errors": 2.0}
    assert wanted.items() <= last.facts.items()
    assert last.facts["cases_in_flight"] == 0.0
    assert last.facts["latency_ms_p50"] <= last.facts["latency_ms_p99"]
    assert "case, last " in last.last_input or "cases, last " in last.last_input
    assert " for " in last.last_output


def test_a_worker_that_tries_again_says_so_until_it_is_over() -> None:
    told = told_by(bus_with(arrived("1")), FakeStack([outage()]))
    assert [one.state for one in told] == ["ready", "restarting", "ready", "stopped"]
    assert told[1].reason.startswith("tries again in 0 s: DependencyError")
    assert told[1].facts["cases_in_flight"] == 1.0
    assert (told[2].reason, told[2].facts["retries"]) == ("", 1.0)


class Away:
    """A subscriber or a publisher whose log cannot be reached for the first few calls."""

    def __init__(self, inner, *names: str, times: int = 2) -> None:
        self._inner, self._names = inner, names
        self.left = times

    def __getattr__(self, name: str):
        call = getattr(self._inner, name)
        return partial(self._fail_or, call) if name in self._names else call

    def _fail_or(self, call, *given):
        if self.left > 0:
            self.left -= 1
            raise outage()
        return call(*given)


def test_a_log_that_is_away_for_a_while_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = bus_with(*(arrived(f"{n}") for n in range(9)))
    bus.publisher().publish_raw("cases", "1", "CaseArrived/2", b'{"broken', {})
    made = (bus.subscriber, bus.publisher)
    reads, writes = [], []

    def subscriber(topics, group, share=(0, 1)):
        reads.append(Away(made[0](topics, group, share), "poll", "commit", times=3))
        return reads[-1]

    def publisher():
        writes.append(Away(made[1](), "publish_raw", "flush"))
        return writes[-1]

    with monkeypatch.context() as patched:
        patched.setattr(MemoryBus, "subscriber", lambda _, *given: subscriber(*given))
        patched.setattr(MemoryBus, "publisher", lambda _: publisher())
        patched.setattr(worker_module, "RETRY_WAITS_S", (0.0,) * 4)
        worker = work(bus, FakeStack())
    assert [one.left for one in (*reads, *writes)] == [0, 0]
    assert worker.retries == 5
    assert {answer.case_id for answer in answers(bus)} == set(map(str, range(9)))
    assert len(messages(bus, "dead-letters")) == 1
    assert sum(bus.subscriber(["cases"], "worker").lag().values()) == 0


def test_a_worker_says_that_it_waits_for_the_log() -> None:
    bus, told = bus_with(arrived("1")), []
    stop = threading.Event()
    worker = Worker(
        Away(bus.subscriber(["cases"], "worker"), "poll"),
        bus.publisher(),
        Pipeline(FakeStack()),
        batch=4,
        log=open_log(io.StringIO()),
        beats=Beats("worker", "m", "cases", told.append),
        on_idle=stop.set,
    )
    worker._checked_s = float("-inf")  # the first idle look ends it
    worker.run(stop)
    states = [one.state for one in told]
    assert states == ["ready", "restarting", "restarting", "ready", "stopped"]
    assert told[1].reason.startswith("tries again in 0 s: DependencyError")


def test_a_worker_that_gives_up_says_why() -> None:
    bus = bus_with(arrived("1"))
    with pytest.raises(DependencyError):
        told_by(bus, FakeStack([outage()] * 9))
    last = messages(bus, "components")[-1]
    assert decode(last.schema, last.value).state == "failed"


def test_the_topic_of_components_does_not_change_what_a_worker_answers() -> None:
    cases = [arrived(f"{n}") for n in range(5)]
    spoken, mute = bus_with(*cases), bus_with(*cases)
    told_by(spoken, FakeStack())
    work(mute, FakeStack())
    assert digest(answers(spoken)) == digest(answers(mute))
