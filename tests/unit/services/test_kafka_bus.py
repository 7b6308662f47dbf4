"""What holds for Kafka alone; the common contract is in test_bus.py."""

import gc
import logging
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from services.bus import kafka_publisher, kafka_subscriber
from services.bus.kafka_client import asking, kafka, reach
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import FETCH_WAIT_MS, KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.port import PARTITIONS
from services.embedded.programs import choose_ports
from twin.errors import DependencyError, SettingsError
from twin.events import CaseRejected

EVENT = CaseRejected(case_id="c1", at_min=0.0, reason="test")
# kafka-python leaves the sockets of failed connection attempts to the garbage collector.
BROKEN = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def doomed(spare_broker):
    """A broker of one's own, to be stopped or killed."""
    ensure_topics(spare_broker.bootstrap_servers, "p", ["verdicts"])
    yield spare_broker
    if spare_broker.alive()["kafka"]:
        os.kill(spare_broker.pids["kafka"], signal.SIGCONT)
    gc.collect()  # while the warnings about it are still those of this test


def freeze(pid):
    """Stop a process, and wait until all of its threads stand still."""
    os.kill(pid, signal.SIGSTOP)
    while any(
        "(stopped)" not in Path(f"/proc/{pid}/task/{thread.id}/status").read_text()
        for thread in psutil.Process(pid).threads()
    ):
        time.sleep(0.01)


def test_topics_that_exist_are_fine(kafka_servers, prefix):
    ensure_topics(kafka_servers, prefix, ["cases"])
    ensure_topics(kafka_servers, prefix, ["cases", "verdicts"], partitions=2)
    subscriber = KafkaSubscriber(kafka_servers, prefix, ["cases", "verdicts"], "g")
    assert list(subscriber.lag()) == [
        *[("cases", number) for number in range(PARTITIONS)],
        *[("verdicts", number) for number in range(2)],
    ]
    subscriber.close()


def test_prefixes_keep_twins_apart(kafka_servers, prefix):
    for twin in ("a", "b"):
        ensure_topics(kafka_servers, f"{prefix}.{twin}", ["verdicts"])
    publisher = KafkaPublisher(kafka_servers, f"{prefix}.a")
    publisher.publish(EVENT)
    publisher.flush()
    publisher.close()
    lags = {}
    for twin in ("a", "b"):
        subscriber = KafkaSubscriber(kafka_servers, f"{prefix}.{twin}", ["verdicts"], "g")
        lags[twin] = sum(subscriber.lag().values())
        subscriber.close()
    assert lags == {"a": 1, "b": 0}


def test_lag_after_a_seek_knows_what_was_written_since_the_last_poll(kafka_servers, prefix):
    ensure_topics(kafka_servers, prefix, ["verdicts"], partitions=1)
    publisher = KafkaPublisher(kafka_servers, prefix)
    subscriber = KafkaSubscriber(kafka_servers, prefix, ["verdicts"], "g")
    publisher.publish(EVENT)
    publisher.flush()
    while not subscriber.poll(1, 0.1):
        pass
    time.sleep(3 * FETCH_WAIT_MS / 1000)  # until no fetch is under way that could bring the news
    for _ in range(5):
        publisher.publish(EVENT)
    publisher.flush()
    subscriber.seek({("verdicts", 0): 4})
    assert subscriber.lag() == {("verdicts", 0): 2}
    subscriber.close()
    publisher.close()


def test_a_missing_topic_is_named_by_the_reader(kafka_servers, prefix, monkeypatch):
    monkeypatch.setattr(kafka_subscriber, "HEARD_OF_S", 0.1)
    with pytest.raises(DependencyError, match=f"no topic {prefix}.cases"):
        KafkaSubscriber(kafka_servers, prefix, ["cases"], "g")


def test_a_topic_that_the_broker_hears_of_late_is_waited_for(kafka_servers, prefix):
    later = threading.Timer(0.3, ensure_topics, (kafka_servers, prefix, ["cases"]))
    later.start()
    subscriber = KafkaSubscriber(kafka_servers, prefix, ["cases"], "g")
    assert len(subscriber.lag()) == PARTITIONS
    subscriber.close()
    later.join()


@pytest.mark.parametrize("servers", ["localhost", ":9092", "host:port", "host:70000", "host:0"])
def test_what_is_no_address_is_named(servers):
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP_SERVERS"):
        reach(servers)


def test_nobody_at_any_address(kafka_servers):
    address = f"127.0.0.1:{choose_ports({'nobody': None})['nobody']}"
    for use in (
        lambda: KafkaPublisher(f"{address},{address}", "p"),
        lambda: KafkaSubscriber(address, "p", ["cases"], "g"),
        lambda: ensure_topics(address, "p", ["cases"]),
        lambda: reach(" , "),
    ):
        with pytest.raises(DependencyError, match="does not answer"):
            use()
    assert reach(f"{address}, {kafka_servers}") == [address, kafka_servers]


@BROKEN
def test_a_broker_that_hangs_is_named(doomed):
    servers = doomed.bootstrap_servers
    freeze(doomed.pids["kafka"])
    with pytest.raises(DependencyError, match=rf"{servers}, creating topics p\.\*: .*Timeout"):
        ensure_topics(servers, "p", ["cases"], timeout_s=0.5)
    with pytest.raises(DependencyError, match=rf"{servers}, topics p\.cases: .*Timeout"):
        KafkaSubscriber(servers, "p", ["cases"], "g", timeout_s=0.5)
    with pytest.raises(DependencyError, match=rf"{servers}, connecting: .*Timeout"):
        KafkaPublisher(servers, "p", timeout_s=1.0)


@BROKEN
def test_every_call_says_when_the_broker_is_gone(doomed):
    servers = doomed.bootstrap_servers
    publisher = KafkaPublisher(servers, "p", timeout_s=1.0)
    subscriber = KafkaSubscriber(servers, "p", ["verdicts"], "g", timeout_s=0.5)
    publisher.publish(EVENT)
    publisher.flush()
    assert len(subscriber.poll(1, 10.0)) == 1
    os.kill(doomed.pids["kafka"], signal.SIGKILL)
    naming = pytest.raises(DependencyError, match=rf"{servers}.*p\.verdicts")
    with naming:
        while True:  # a poll that finds nothing asks only now and then
            subscriber.poll(1, 0.05)
    with naming:
        subscriber.commit({("verdicts", 0): 1})
    with naming:
        subscriber.lag()
    with pytest.raises(DependencyError, match=servers):
        publisher.publish(EVENT)
        publisher.flush()
    subscriber.close()
    publisher.close()


@BROKEN
def test_flush_raises_for_what_was_not_acknowledged(doomed):
    publisher = KafkaPublisher(doomed.bootstrap_servers, "p", timeout_s=1.0)
    publisher.publish(EVENT)
    publisher.flush()
    freeze(doomed.pids["kafka"])
    publisher.publish(EVENT)
    with pytest.raises(DependencyError, match=doomed.bootstrap_servers):
        publisher.flush()
    with pytest.raises(DependencyError, match=doomed.bootstrap_servers):
        publisher.publish(EVENT)
    publisher.close()  # gives up, but does not hang and ends its thread
    assert not [t for t in threading.enumerate() if "kafka-python-producer" in t.name]


@BROKEN
@pytest.mark.parametrize("flushes", [True, False])
def test_a_producer_that_has_fallen_silent_is_replaced(kafka_servers, prefix, monkeypatch, flushes):
    """As kafka-python's is after some ends of a broker; also for those who never flush."""
    monkeypatch.setattr(kafka_publisher, "SILENCE_S", 0.2)
    ensure_topics(kafka_servers, prefix, ["verdicts"])
    publisher = KafkaPublisher(kafka_servers, prefix)
    publisher.publish(EVENT)
    publisher.flush()
    silent = publisher._producer
    monkeypatch.setattr(silent._sender, "run_once", lambda: time.sleep(0.01))
    publisher.publish(replace(EVENT, case_id="c2"))
    if flushes:
        publisher.flush()
    else:
        time.sleep(0.3)
    publisher.publish(replace(EVENT, case_id="c3"))
    subscriber = KafkaSubscriber(kafka_servers, prefix, ["verdicts"], "g")
    found = set()
    while found < {"c1", "c2", "c3"}:
        found |= {message.key for message in subscriber.poll(9, 0.1)}
    assert publisher._producer is not silent
    subscriber.close()
    publisher.close()


def test_what_a_broker_refuses_fails_the_flush_once(kafka_servers, prefix):
    ensure_topics(kafka_servers, prefix, ["verdicts"])
    publisher = KafkaPublisher(kafka_servers, prefix)
    publisher.publish(EVENT)
    refused = kafka.errors.TopicAuthorizationFailedError("not yours")
    publisher._unacknowledged[0].future = FailedFuture(refused)
    with pytest.raises(DependencyError, match=r"\.verdicts: 1 messages .*not yours"):
        publisher.flush()
    publisher.flush()  # it was said once
    publisher.close()


def test_who_never_flushes_does_not_hold_all_that_was_ever_sent(kafka_servers, prefix, monkeypatch):
    monkeypatch.setattr(kafka_publisher, "SWEEP_AT", 10)
    ensure_topics(kafka_servers, prefix, ["verdicts"])
    publisher = KafkaPublisher(kafka_servers, prefix)
    publisher._sweep_at = 10
    for _ in range(100):
        publisher.publish(EVENT)
        publisher._producer.flush(10)
    assert len(publisher._unacknowledged) <= 10
    publisher.close()


class FailedFuture:
    def __init__(self, exception):
        self.exception = exception

    def succeeded(self):
        return False


def test_its_errors_become_ours_and_keep_their_cause():
    def fail():
        raise kafka.errors.KafkaTimeoutError

    with pytest.raises(DependencyError, match=r"^Kafka h:1, reading: KafkaTimeoutError$") as caught:
        asking("h:1", "reading", fail)
    assert isinstance(caught.value.__cause__, kafka.errors.KafkaTimeoutError)


def test_its_loggers_are_quiet(caplog):
    for name in ("kafka", "kafka.net.connection", "kafka.producer.sender"):
        logging.getLogger(name).error("noise")
    assert not caplog.records
