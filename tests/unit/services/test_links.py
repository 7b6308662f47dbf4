"""Both links give the engine the same answers."""

import io
import threading
import time

import pytest
from samples import FakeStack, arrived, closed

from services.background import Background
from services.bus.memory import MemoryBus
from services.direct_link import DirectLink
from services.kafka_link import KafkaLink
from services.logs import open_log
from services.worker import Worker
from twin.errors import DependencyError, InvariantError
from twin.pipeline import Pipeline

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
