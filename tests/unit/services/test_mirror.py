import sys
import threading

import pytest

from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.memory import MemoryBus
from services.mirror import loop as module
from services.mirror.loop import GATHER_S, RETRY_WAITS_S, Mirror
from services.mirror.memory_mirror import MemoryMirror
from services.mirror.records import record_of
from services.mirror.redis_mirror import RedisMirror
from twin.errors import DependencyError
from twin.events import CaseClosed, CaseRejected, ComponentChanged
from twin.state import TwinState, fingerprint

TOPICS = ("cases", "verdicts", "components")


class NoWaiting(threading.Event):
    """A stop signal whose waits take no time, and are remembered."""

    def __init__(self):
        super().__init__()
        self.waited_s = []

    def wait(self, timeout=None):
        self.waited_s.append(timeout)
        return self.is_set()


class Failing(MemoryMirror):
    """Fails as often as it is told."""

    def __init__(self, failures):
        super().__init__()
        self.failures = failures

    def apply(self, records, fresh=None):
        if self.failures:
            self.failures -= 1
            raise DependencyError("no Redis")
        return super().apply(records, fresh)


@pytest.fixture
def bus():
    return MemoryBus()


def events(count):
    for number in range(count):
        yield CaseRejected(case_id=f"c{number}", at_min=0.0, reason="test")
        yield CaseClosed(
            case_id=f"c{number}",
            at_min=1.0,
            referred=False,
            left_early=False,
            waits_min={},
        )
    yield ComponentChanged(component="knn", at_unix_s=1.0, state="ready", restarts=0, model_id="m")


def publish(bus, count=3):
    publisher = bus.publisher()
    for event in events(count):
        publisher.publish(event)


def drain(loop):
    while loop.lag():
        loop.step(0.0)


def serve(loop, stop, until):
    thread = threading.Thread(target=loop.run, args=(stop,), daemon=True)
    thread.start()
    while not until():
        pass
    stop.set()
    thread.join()


def test_folds_the_log_and_commits(bus):
    publish(bus)
    kept = MemoryMirror()
    loop = Mirror(bus.subscriber(TOPICS, "mirror"), kept)
    assert loop.lag() == 7
    drain(loop)
    assert kept.read_back().counts == TwinState().counts | {"rejections": 3, "closed": 3}
    assert kept.read_back().components["knn"].state == "ready"
    assert (loop.records, loop.changes, loop.invalid, loop.retries) == (7, 7, 0, 0)
    assert sum(bus.subscriber(TOPICS, "mirror").lag().values()) == 0  # as onlookers see it


def test_what_is_no_event_is_counted_and_passed(bus):
    bus.publisher().publish_raw("cases", "c0", "CaseArrived/2", b"junk", {})
    bus.publisher().publish_raw("cases", "c0", "Unheard/1", b"{}", {})
    publish(bus)
    kept = MemoryMirror()
    loop = Mirror(bus.subscriber(TOPICS, "mirror"), kept)
    drain(loop)
    assert kept.read_back().counts["invalid"] == loop.invalid == 2
    assert (loop.records, loop.changes) == (9, 7)


def test_a_long_log_is_folded_in_batches(bus, monkeypatch):
    monkeypatch.setattr(module, "MOST_PER_BATCH", 4)
    publish(bus, count=5)
    loop = Mirror(bus.subscriber(TOPICS, "mirror"), MemoryMirror())
    assert [loop.step(0.0) for _ in range(4)] == [4, 4, 3, 0]


def test_resumes_at_the_mirrors_position_and_not_at_the_groups(bus):
    publish(bus)
    kept = MemoryMirror()
    drain(Mirror(bus.subscriber(TOPICS, "mirror"), kept))
    before = fingerprint(kept.read_back())
    again = Mirror(bus.subscriber(TOPICS, "another group"), kept)
    assert again.lag() == 0
    fresh = MemoryMirror()
    drain(Mirror(bus.subscriber(TOPICS, "mirror"), fresh))  # all was committed; all is read anew
    assert fingerprint(fresh.read_back()) == before


def test_a_mirror_of_another_log_is_wiped_first(bus):
    publish(bus)
    kept = MemoryMirror()
    drain(Mirror(bus.subscriber(TOPICS, "mirror"), kept))
    restarted = MemoryBus()
    publish(restarted, count=1)
    drain(Mirror(restarted.subscriber(TOPICS, "mirror"), kept))
    expected = MemoryMirror()
    drain(Mirror(restarted.subscriber(TOPICS, "mirror"), expected))
    assert kept.read_back() == expected.read_back()


def test_a_failed_batch_is_held_and_applied_again(bus):
    publish(bus)
    kept = Failing(failures=2)
    subscriber = bus.subscriber(TOPICS, "mirror")
    loop = Mirror(subscriber, kept)
    for _ in range(2):
        with pytest.raises(DependencyError):
            loop.step(0.0)
        assert sum(subscriber.lag().values()) == 0
        assert loop.lag() == 7  # polled, but not folded
        assert not bus.committed
    assert loop.step(0.0) == 7
    assert kept.read_back().counts["closed"] == 3
    assert loop.records == 7


def test_run_tries_again_with_growing_waits(bus):
    publish(bus)
    stop = NoWaiting()
    kept = Failing(failures=3)
    loop = Mirror(bus.subscriber(TOPICS, "mirror"), kept)
    serve(loop, stop, until=lambda: loop.records == 7)
    assert loop.retries == 3
    waits = [one for one in stop.waited_s if one != GATHER_S]
    assert waits == list(RETRY_WAITS_S[:3])


def test_run_gives_up_in_the_end_and_loses_nothing(bus):
    publish(bus)
    stop = NoWaiting()
    loop = Mirror(bus.subscriber(TOPICS, "mirror"), Failing(failures=99))
    with pytest.raises(DependencyError, match="no Redis"):
        loop.run(stop)
    assert stop.waited_s == list(RETRY_WAITS_S)
    assert not bus.committed
    assert loop.lag() == 7


def test_success_makes_it_patient_again(bus):
    publish(bus)
    stop = NoWaiting()
    kept = Failing(failures=len(RETRY_WAITS_S))
    loop = Mirror(bus.subscriber(TOPICS, "mirror"), kept)
    thread = threading.Thread(target=loop.run, args=(stop,), daemon=True)
    thread.start()
    while loop.lag():
        pass
    kept.failures = len(RETRY_WAITS_S)
    publish(bus)
    while loop.lag():
        pass
    stop.set()
    thread.join()
    assert loop.records == 14
    assert loop.retries == 2 * len(RETRY_WAITS_S)


def test_the_lag_is_told_while_the_loop_runs(bus):
    stop = threading.Event()
    loop = Mirror(bus.subscriber(TOPICS, "mirror"), MemoryMirror())
    thread = threading.Thread(target=loop.run, args=(stop,), daemon=True)
    thread.start()
    for _ in range(20):
        publish(bus, count=1)
        while loop.lag():
            pass
    stop.set()
    thread.join()
    assert loop.records == 60


def test_an_idle_mirror_shows_that_it_is_alive(bus, monkeypatch):
    class Counting(MemoryMirror):
        beats = 0

        def apply(self, records, fresh=None):
            self.beats += not records
            return super().apply(records, fresh)

    kept = Counting()
    loop = Mirror(bus.subscriber(TOPICS, "mirror"), kept)
    loop.step(0.0)
    loop.step(0.0)
    assert kept.beats == 1
    monkeypatch.setattr(module, "BEAT_S", 0.0)
    loop.step(0.0)
    assert kept.beats == 2


def test_over_kafka_and_redis(kafka_servers, redis_url, prefix):
    ensure_topics(kafka_servers, prefix, TOPICS)
    publisher = KafkaPublisher(kafka_servers, prefix)
    kept = RedisMirror(redis_url, prefix)
    subscriber = KafkaSubscriber(kafka_servers, prefix, TOPICS, "mirror")
    loop = Mirror(subscriber, kept)
    stop = threading.Event()
    thread = threading.Thread(target=loop.run, args=(stop,), daemon=True)
    thread.start()
    for event in events(100):
        publisher.publish(event)
    publisher.flush()
    while loop.lag():
        pass
    stop.set()
    thread.join()
    subscriber.close()
    assert loop.records == 201
    again = KafkaSubscriber(kafka_servers, prefix, TOPICS, "mirror")
    assert Mirror(again, kept).lag() == 0
    again.close()

    bus = MemoryBus()
    publish(bus, count=100)
    expected = MemoryMirror()
    drain(Mirror(bus.subscriber(TOPICS, "mirror"), expected))
    assert fingerprint(kept.read_back()) == fingerprint(expected.read_back())
    kept.close()
    publisher.close()


def test_a_mirror_in_memory_is_read_whole_while_it_is_written() -> None:
    bus, mirror = MemoryBus(), MemoryMirror()
    subscriber, publisher = bus.subscriber(TOPICS, "mirror"), bus.publisher()
    for event in events(3000):
        publisher.publish(event)
    records = [record_of(message) for message in subscriber.poll(6000, 1.0)]

    def write() -> None:
        for first in range(0, len(records), 20):
            mirror.apply(records[first : first + 20])

    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    writer = threading.Thread(target=write)
    try:
        writer.start()
        while writer.is_alive():
            seen = mirror.read_back()
            assert sum(seen.counts.values()) % 20 == 0
    finally:
        sys.setswitchinterval(before_s)
        writer.join()
    assert len(mirror.read_back().cases) == 3000
