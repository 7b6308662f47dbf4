"""The contract of the bus: one suite for the broker in memory and for the real one."""

import threading
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from services.bus.codec import decode
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.memory import MemoryBus
from services.bus.port import MAX_EVENT_BYTES, MAX_RAW_BYTES, PARTITIONS, Subscriber
from twin.errors import InputError
from twin.events import CaseRejected, ComponentChanged
from twin.log import encode

TOPICS = ("cases", "verdicts", "components", "dead-letters")


@dataclass
class Bus:
    """Makes publishers and subscribers that are closed after the test."""

    make_publisher: object
    make_subscriber: object
    stack: ExitStack

    def publisher(self):
        publisher = self.make_publisher()
        self.stack.callback(publisher.close)
        return publisher

    def subscriber(self, *topics, group="g", share=(0, 1)):
        subscriber = self.make_subscriber(topics, group, share)
        self.stack.callback(subscriber.close)
        return subscriber


@pytest.fixture(params=["memory", "kafka"])
def bus(request, prefix):
    with ExitStack() as stack:
        if request.param == "memory":
            broker = MemoryBus()
            yield Bus(broker.publisher, broker.subscriber, stack)
        else:
            kafka = request.getfixturevalue("kafka_servers")
            ensure_topics(kafka, prefix, TOPICS)
            yield Bus(
                lambda: KafkaPublisher(kafka, prefix),
                lambda topics, group, share: KafkaSubscriber(kafka, prefix, topics, group, share),
                stack,
            )


def rejected(case: int, attempt: int = 0) -> CaseRejected:
    return CaseRejected(case_id=f"c{case}", at_min=float(attempt), reason="test")


def read(subscriber: Subscriber, count: int):
    """Poll until `count` messages came; they come, or the test's time is up."""
    messages = []
    while len(messages) < count:
        messages += subscriber.poll(count - len(messages), 1.0)
    assert len(messages) == count
    return messages


def after(messages):
    upto = {}
    for message in messages:
        upto[message.topic, message.partition] = message.offset + 1
    return upto


def test_a_message_arrives_as_it_was_sent(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    event = rejected(1)
    publisher.publish(event)
    publisher.flush()
    (message,) = read(subscriber, 1)
    assert (message.topic, message.key, message.offset) == ("verdicts", "c1", 0)
    assert message.schema == "CaseRejected/1"
    assert message.value == encode(event)
    assert not message.headers
    assert decode(message.schema, message.value) == event


def test_raw_bytes_and_headers_arrive_as_they_were_sent(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("dead-letters")
    publisher.publish_raw("dead-letters", "k\udcff", "x/7", b"\x00\xff", {"reason": "größer"})
    publisher.flush()
    (message,) = read(subscriber, 1)
    assert (message.key, message.schema, message.value) == ("k\udcff", "x/7", b"\x00\xff")
    assert message.headers == {"reason": "größer"}


def test_no_key_and_no_bytes_are_a_message_too(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("dead-letters")
    publisher.publish_raw("dead-letters", None, "", b"", {})
    publisher.flush()
    (message,) = read(subscriber, 1)
    assert (message.key, message.schema, message.value) == (None, "", b"")


def test_a_key_stays_in_order_within_one_partition(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    for attempt in range(20):
        for case in range(10):
            publisher.publish(rejected(case, attempt))
    publisher.flush()
    messages = read(subscriber, 200)
    assert len({message.partition for message in messages}) > 1
    for case in range(10):
        mine = [message for message in messages if message.key == f"c{case}"]
        assert len({message.partition for message in mine}) == 1
        assert [decode(m.schema, m.value).at_min for m in mine] == list(map(float, range(20)))
        assert [m.offset for m in mine] == sorted(m.offset for m in mine)


def test_several_topics_are_told_apart(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts", "components")
    publisher.publish(rejected(1))
    publisher.publish(
        ComponentChanged(component="knn", at_unix_s=1.0, state="ready", restarts=0, model_id="m")
    )
    publisher.flush()
    assert {(m.topic, m.key) for m in read(subscriber, 2)} == {
        ("verdicts", "c1"),
        ("components", "knn"),
    }


def test_what_was_not_committed_is_delivered_again(bus):
    publisher = bus.publisher()
    for case in range(5):
        publisher.publish(rejected(case))
    publisher.flush()
    first = read(bus.subscriber("verdicts"), 5)
    assert read(bus.subscriber("verdicts"), 5) == first


def test_a_group_resumes_after_its_commit(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    for attempt in range(4):
        publisher.publish(rejected(1, attempt))
    publisher.flush()
    messages = read(subscriber, 4)
    subscriber.commit(after(messages[:3]))
    assert read(bus.subscriber("verdicts"), 1) == messages[3:]


def test_groups_do_not_disturb_each_other(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts", group="one")
    publisher.publish(rejected(1))
    publisher.flush()
    messages = read(subscriber, 1)
    subscriber.commit(after(messages))
    assert bus.subscriber("verdicts", group="one").poll(1, 0.2) == []
    assert read(bus.subscriber("verdicts", group="two"), 1) == messages


def test_shares_split_the_partitions(bus):
    publisher = bus.publisher()
    for case in range(40):
        publisher.publish(rejected(case))
    publisher.flush()
    shares = [bus.subscriber("verdicts", share=(turn, 2)) for turn in range(2)]
    counts = [sum(share.lag().values()) for share in shares]
    assert all(counts)
    assert [{place[1] for place in share.lag()} for share in shares] == [{0, 2}, {1, 3}]
    keys = [set(), set()]
    for mine, share in zip(keys, shares, strict=True):
        while sum(share.lag().values()):
            mine.update(message.key for message in share.poll(100, 1.0))
    assert not keys[0] & keys[1]
    assert keys[0] | keys[1] == {f"c{case}" for case in range(40)}


def test_a_share_without_partitions_is_an_error(bus):
    with pytest.raises(InputError, match="reader 6 of 6"):
        bus.subscriber("verdicts", share=(5, 6))


def test_lag_is_zero_exactly_when_everything_was_polled(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    assert subscriber.lag() == {("verdicts", number): 0 for number in range(PARTITIONS)}
    polled = 0
    for burst in (1, 7, 2):
        for attempt in range(burst):
            publisher.publish(rejected(1, attempt))
        publisher.flush()
        for _ in range(burst):
            assert sum(subscriber.lag().values()) > 0
            polled += len(read(subscriber, 1))
        assert sum(subscriber.lag().values()) == 0
    assert polled == 10


def test_lag_starts_at_the_commit(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    for attempt in range(6):  # one batch, on a broker that knows batches
        publisher.publish(rejected(1, attempt))
    publisher.flush()
    messages = read(subscriber, 6)
    subscriber.commit(after(messages[:4]))
    resumed = bus.subscriber("verdicts")
    assert sum(resumed.lag().values()) == 2
    assert read(resumed, 2) == messages[4:]
    subscriber.commit(after(messages))
    assert sum(bus.subscriber("verdicts").lag().values()) == 0


def test_seek_goes_anywhere_whatever_the_group_has_committed(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    for case in range(8):
        publisher.publish(rejected(case))
        publisher.publish(rejected(case, 1))
    publisher.flush()
    messages = read(subscriber, 16)
    subscriber.commit(after(messages))
    resumed = bus.subscriber("verdicts")
    resumed.seek({})
    assert read(resumed, 16) == messages
    place = (messages[0].topic, messages[0].partition)
    resumed.seek({place: 1})
    assert messages[0] not in read(resumed, 15)


def test_lag_below_zero_tells_that_the_log_is_too_short(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    for attempt in range(3):
        publisher.publish(rejected(1, attempt))
    publisher.flush()
    place = after(read(subscriber, 3)).popitem()[0]
    for at, behind in ((2, 1), (3, 0), (4, -1)):
        subscriber.seek({place: at})
        assert subscriber.lag()[place] == behind


def test_poll_comes_back_with_nothing(bus):
    subscriber = bus.subscriber("verdicts")
    assert subscriber.poll(10, 0.1) == []
    assert subscriber.poll(10, 0.0) == []


def test_poll_wakes_up_for_a_message(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    later = threading.Timer(0.1, lambda: (publisher.publish(rejected(1)), publisher.flush()))
    later.start()
    assert [message.key for message in subscriber.poll(10, 60.0)] == ["c1"]
    later.join()


def test_poll_takes_no_more_than_it_is_told(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")
    for case in range(30):
        publisher.publish(rejected(case))
    publisher.flush()
    seen = []
    while len(seen) < 30:
        messages = subscriber.poll(7, 1.0)
        assert len(messages) <= 7
        seen += messages
    assert len({(m.partition, m.offset) for m in seen}) == 30


def test_publishing_from_several_threads_loses_nothing(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts")

    def publish(first):
        for case in range(first, first + 50):
            publisher.publish(rejected(case))

    threads = [threading.Thread(target=publish, args=(first,)) for first in (0, 50, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    publisher.flush()
    assert {message.key for message in read(subscriber, 150)} == {f"c{n}" for n in range(150)}


def test_a_message_at_the_limit_passes_and_one_above_is_refused(bus):
    publisher, subscriber = bus.publisher(), bus.subscriber("verdicts", "dead-letters")
    room = MAX_EVENT_BYTES - len(encode(CaseRejected(case_id="c1", at_min=0.0, reason="")))
    publisher.publish(CaseRejected(case_id="c1", at_min=0.0, reason="x" * room))
    publisher.publish_raw("dead-letters", "c1", "s", b"x" * MAX_RAW_BYTES, {"reason": "y" * 4000})
    publisher.flush()
    assert sorted(len(message.value) for message in read(subscriber, 2)) == [
        MAX_EVENT_BYTES,
        MAX_RAW_BYTES,
    ]
    with pytest.raises(InputError, match="c1 for topic verdicts has 1000001 bytes"):
        publisher.publish(CaseRejected(case_id="c1", at_min=0.0, reason="x" * (room + 1)))
    with pytest.raises(InputError, match="c1 for topic dead-letters has 1040001 bytes"):
        publisher.publish_raw("dead-letters", "c1", "s", b"x" * (MAX_RAW_BYTES + 1), {})
    publisher.flush()  # what was refused was not sent
