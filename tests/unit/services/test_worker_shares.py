"""Workers that share partitions: one joins, one dies, and each case has one verdict of record."""

import io
import threading
from collections import Counter
from collections.abc import Mapping

import pytest
from samples import FakeStack, arrived

from services.bus.codec import decode
from services.bus.memory import MemoryBus
from services.bus.port import Message, Place, share_of
from services.logs import open_log
from services.mirror.records import record_of
from services.worker import Worker
from twin.errors import InputError
from twin.pipeline import Pipeline
from twin.state import fold

CASES = 60


class Killed(BaseException):
    """What ends a worker as SIGKILL does: nothing after it is done."""


class Until:
    """A subscriber that ends its worker: in order when all is read, or killed at a commit."""

    def __init__(self, subscriber, stop: threading.Event, killed_at: int | None) -> None:
        self._subscriber, self._stop, self._killed_at = subscriber, stop, killed_at
        self.committed = 0

    def poll(self, most: int, wait_s: float) -> list[Message]:
        found = self._subscriber.poll(most, 0.0)
        if not found:
            self._stop.set()
        return found

    def commit(self, upto: Mapping[Place, int]) -> None:
        if self.committed == self._killed_at:
            raise Killed  # published and not committed
        self.committed += 1
        self._subscriber.commit(upto)

    def lag(self) -> dict[Place, int]:
        return self._subscriber.lag()


def serve(bus: MemoryBus, share: tuple[int, int], killed_at: int | None = None) -> int:
    """Have a worker serve its share to the end, or to its own; return how many it answered."""
    stop = threading.Event()
    subscriber = Until(bus.subscriber(["cases"], "worker", share), stop, killed_at)
    pipeline, log = Pipeline(FakeStack()), open_log(io.StringIO())
    worker = Worker(subscriber, bus.publisher(), pipeline, batch=4, log=log)
    if killed_at is None:
        worker.run(stop)
    else:
        with pytest.raises(Killed):
            worker.run(stop)
    return worker.answered


def bus_of_cases() -> MemoryBus:
    bus = MemoryBus(partitions=4)
    for number in range(CASES):
        bus.publisher().publish(arrived(f"c{number}"))
    return bus


def read(bus: MemoryBus, *topics: str) -> list[Message]:
    return bus.subscriber(topics, "test").poll(10_000, 0.0)


def test_two_workers_answer_every_case_once_between_them() -> None:
    bus = bus_of_cases()
    answered = [serve(bus, (turn, 2)) for turn in range(2)]
    assert min(answered) > 0
    assert sum(answered) == CASES
    given = Counter(message.key for message in read(bus, "verdicts"))
    assert given == {f"c{number}": 1 for number in range(CASES)}


@pytest.mark.parametrize("killed_at", [0, 1, 3])
def test_who_takes_over_from_a_dead_worker_repeats_its_last_batch_and_loses_nothing(
    killed_at: int,
) -> None:
    bus = bus_of_cases()
    serve(bus, (0, 2), killed_at)  # of two workers, one dies
    before = {message.key for message in read(bus, "verdicts")}
    serve(bus, (0, 1))  # and the other has all partitions from now on
    verdicts = read(bus, "verdicts")
    repeats = len(verdicts) - CASES
    assert 0 < repeats <= 4  # what was published and not committed, a batch at most
    assert before  # the first one had answered
    state = fold([record_of(message) for message in read(bus, "cases", "verdicts")])
    assert all(state.cases[f"c{number}"].answer is not None for number in range(CASES))
    assert state.counts["duplicates"] == repeats
    assert state.counts["conflicts"] == 0
    said: dict[str | None, object] = {}
    for message in verdicts:  # a repeat says what was said before
        event = decode(message.schema, message.value)
        assert said.setdefault(message.key, event) == event


def test_partitions_are_shared_without_a_gap_and_more_workers_than_those_are_refused() -> None:
    for workers in (1, 2, 3, 4):
        places = [
            place
            for turn in range(workers)
            for place in share_of("cases", range(4), (turn, workers))
        ]
        assert sorted(places) == [("cases", number) for number in range(4)]
    with pytest.raises(InputError, match="no partition"):
        share_of("cases", range(4), (4, 5))
