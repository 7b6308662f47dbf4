"""Both links give the engine the same answers."""

import io
import threading
import time
from dataclasses import replace

import pytest
from loop_samples import FakeRestacker, meta
from samples import FakeStack, arrived, closed, verdict

from services import kafka_link
from services.background import Background
from services.bus.memory import MemoryBus
from services.direct_link import DirectLink
from services.kafka_link import KafkaLink
from services.logs import open_log
from services.restacker import TOPICS, RestackerLoop
from services.worker import Worker
from twin.errors import DependencyError, InvariantError
from twin.events import CaseArrived, CaseClosed, EpochReached, StackPromoted, StackRejected
from twin.log import SCHEMA_OF
from twin.pipeline import Pipeline
from twin.restacking.at_hand import AtHand
from twin.stacks import StackBook, StackVersion

CASES = [arrived(name) for name in ("1", "7", "x", "3", "9")]


@pytest.fixture(params=["direct", "kafka"])
def link(request):
    ticks: list[int] = []
    if request.param == "direct":
        yield DirectLink(Pipeline(FakeStack()), 2, ticks.append), ticks
        return
    bus = MemoryBus()
    worker = Worker(
        bus.subscriber(["cases"], "worker"),
        bus.publisher(),
        Pipeline(FakeStack()),
        batch=2,
        log=open_log(io.StringIO()),
    )
    loop = Background("worker", worker.run)
    yield (
        KafkaLink(bus.publisher(), bus.subscriber(["verdicts"], "e"), loop.check, ticks.append),
        ticks,
    )
    loop.stop()


def test_answers_can_be_asked_for_in_any_order(link) -> None:
    to_twin, ticks = link
    to_twin.submit(CASES)
    answers = [to_twin.answer(case.case_id) for case in reversed(CASES)]
    assert [answer.case_id for answer in answers] == [case.case_id for case in reversed(CASES)]
    assert answers == [Pipeline(FakeStack()).handle([case])[0] for case in reversed(CASES)]
    assert sum(ticks) == len(to_twin.answers) == len(CASES)


def test_polling_finds_an_answer_without_waiting_for_it(link) -> None:
    to_twin, _ = link
    to_twin.submit(CASES[:1])
    answer, deadline_s = None, time.monotonic() + 10
    while answer is None and time.monotonic() < deadline_s:
        answer = to_twin.poll("1")
    assert answer == to_twin.answer("1")
    assert to_twin.poll("never sent") is None


def test_a_case_that_was_never_submitted_is_our_own_fault() -> None:
    with pytest.raises(InvariantError, match="never submitted"):
        DirectLink(Pipeline(FakeStack()), 2, lambda n: None).answer("1")


def test_nobody_waits_for_a_worker_that_failed() -> None:
    def fail(stop: threading.Event) -> None:
        raise DependencyError("the stem is gone")

    bus = MemoryBus()
    loop = Background("worker", fail)
    to_twin = KafkaLink(bus.publisher(), bus.subscriber(["verdicts"], "e"), loop.check, print)
    to_twin.submit(CASES)
    with pytest.raises(DependencyError, match="the stem is gone"):
        to_twin.answer("1")


def test_a_repeated_verdict_is_one_answer() -> None:
    bus = MemoryBus()
    ticks: list[int] = []
    to_twin = KafkaLink(
        bus.publisher(), bus.subscriber(["verdicts"], "e"), lambda: None, ticks.append
    )
    (verdict,) = Pipeline(FakeStack()).handle([CASES[0]])
    for _ in range(3):
        bus.publisher().publish(verdict)
    assert to_twin.answer("1") == verdict
    assert ticks == [1]


def test_closings_are_told_over_kafka() -> None:
    bus = MemoryBus()
    KafkaLink(bus.publisher(), bus.subscriber(["verdicts"], "e"), lambda: None, print).publish(
        closed("1")
    )
    assert [m.schema for m in bus.subscriber(["cases"], "t").poll(9, 0)] == ["CaseClosed/1"]


class Forgetful:
    """A publisher whose log goes away: what it held is lost, and for a while it takes nothing."""

    def __init__(self, bus: MemoryBus) -> None:
        self._publisher = bus.publisher()
        self._held: list = []
        self.fails = 0  # calls to come that fail

    def publish(self, event) -> None:
        self._ensure_there()
        self._held.append(event)

    def flush(self) -> None:
        self._ensure_there()
        for event in self._held:
            self._publisher.publish(event)
        self._held.clear()

    def _ensure_there(self) -> None:
        if self.fails > 0:
            self.fails -= 1
            self._held.clear()
            raise DependencyError("the log is away")


def test_what_a_log_lost_is_sent_again_once_it_is_back(monkeypatch) -> None:
    monkeypatch.setattr(kafka_link, "_AGAIN_S", 0.0)
    bus = MemoryBus()
    publisher = Forgetful(bus)
    to_twin = KafkaLink(publisher, bus.subscriber(["verdicts"], "e"), lambda: None, print)
    to_twin.submit([arrived("1")])
    to_twin.publish(closed("1"))
    publisher.fails = 3
    to_twin.submit([arrived("2")])
    to_twin.publish(closed("2"))
    publisher.fails = 1
    to_twin.flush()
    found = [(m.schema, m.key) for m in bus.subscriber(["cases"], "t").poll(99, 0)]
    assert set(found) == {
        *((SCHEMA_OF[CaseArrived], name) for name in "12"),
        *((SCHEMA_OF[CaseClosed], name) for name in "12"),
    }
    assert found.count((SCHEMA_OF[CaseArrived], "1")) == 1  # it was acknowledged


def test_a_log_that_stays_away_ends_the_run_in_the_end(monkeypatch) -> None:
    monkeypatch.setattr(kafka_link, "_AGAIN_S", 0.0)
    monkeypatch.setattr(kafka_link, "PATIENCE_S", 0.05)
    bus = MemoryBus()
    publisher = Forgetful(bus)
    publisher.fails = 10**9
    with pytest.raises(DependencyError, match="the log is away"):
        KafkaLink(publisher, bus.subscriber(["verdicts"], "e"), lambda: None, print).submit(CASES)


@pytest.fixture(params=["direct", "kafka"])
def looped(request):
    """A link whose re-stacker lowers the threshold at its first epoch."""

    def new() -> FakeRestacker:
        return FakeRestacker({1: 0.2})

    book = StackBook(StackVersion(number=0, meta=meta(), threshold=0.5))
    pipeline = Pipeline(FakeStack(), 0.5, book)
    if request.param == "direct":
        yield DirectLink(pipeline, 2, lambda _: None, AtHand(new(), book))
        return
    bus, log = MemoryBus(), open_log(io.StringIO())
    worker = Worker(
        bus.subscriber(["cases"], "worker"),
        bus.publisher(),
        pipeline,
        batch=2,
        log=log,
        stacks=bus.subscriber(["stacks"], "worker-stacks"),
    )
    restacker = RestackerLoop(bus.subscriber(TOPICS, "restacker"), bus.publisher(), new, log)
    loops = [Background("worker", worker.run), Background("restacker", restacker.run)]
    yield KafkaLink(
        bus.publisher(),
        bus.subscriber(["verdicts"], "e"),
        lambda: [one.check() for one in loops],
        lambda _: None,
        bus.subscriber(["stacks"], "e"),
        [(StackPromoted, StackRejected)],
    )
    for one in loops:
        one.stop()


def epoch(number: int, cases: int) -> EpochReached:
    return EpochReached(at_min=10.0 * number, epoch=number, cases=cases, feedback=0, closed=0)


def test_a_case_is_answered_by_the_stack_in_force_when_it_arrives(looped) -> None:
    looped.submit([arrived("3", 9.0)])
    first, promoted = looped.epoch(epoch(1, 1))
    assert (first.version, first.how) == (0, "trained")
    assert (promoted.version, promoted.threshold) == (1, 0.2)
    looped.submit([arrived("4", 10.0), arrived("1", 11.0)])
    assert [looped.answer(name).stack for name in "341"] == [0, 1, 1]
    assert [looped.answer(name).malignant for name in "341"] == [False, True, False]
    [kept] = looped.epoch(epoch(2, 3))
    assert (kept.epoch, kept.verdict) == (2, "kept")


def test_an_epoch_is_an_error_where_nothing_happens_at_any(link) -> None:
    to_twin, _ = link
    with pytest.raises(InvariantError, match="epoch 1 of a run without"):
        to_twin.epoch(epoch(1, 0))


def test_what_came_before_an_epoch_is_on_the_log_before_it() -> None:
    """A broker acknowledges partitions one by one: an epoch must not overtake what it counts."""
    bus = MemoryBus()

    class Slow:
        """Nothing is on the log before it is flushed, and then the latest comes first."""

        def __init__(self) -> None:
            self.sent: list = []

        def publish(self, event) -> None:
            self.sent.append(event)

        def flush(self) -> None:
            for event in reversed(self.sent):
                seen.append(event)
                bus.publisher().publish(event)
            self.sent.clear()

    seen: list = []
    to_twin = decided_by(FakeRestacker(), bus, Slow())
    to_twin.publish(closed("1"))
    to_twin.epoch(epoch(1, 1))
    assert seen == [closed("1"), epoch(1, 1)]


def decided_by(restacker: FakeRestacker, bus: MemoryBus, publisher=None) -> KafkaLink:
    """A link that finds version 0 and the decision of epoch 1 on the log."""
    bus.publisher().publish(restacker.begin())
    bus.publisher().publish(restacker.decide(epoch(1, 1))[0])
    return KafkaLink(
        publisher or bus.publisher(),
        bus.subscriber(["verdicts"], "e"),
        lambda: None,
        lambda _: None,
        bus.subscriber(["stacks"], "e"),
        [(StackPromoted, StackRejected)],
    )


@pytest.mark.parametrize(("at_min", "right"), [(9.0, 0), (10.0, 1)])
def test_a_worker_that_missed_a_promotion_is_found_out(at_min: float, right: int) -> None:
    bus = MemoryBus()
    to_twin = decided_by(FakeRestacker({1: 0.2}), bus)
    to_twin.epoch(epoch(1, 0))
    bus.publisher().publish(replace(verdict("good", at_min), stack=right))
    assert to_twin.answer("good").stack == right
    bus.publisher().publish(replace(verdict("bad", at_min), stack=1 - right))
    with pytest.raises(
        InvariantError, match=rf"case bad, .* by stack {1 - right}; version {right}"
    ):
        to_twin.answer("bad")
