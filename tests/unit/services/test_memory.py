"""What holds for the bus in memory alone; the common contract is in test_bus.py."""

import threading

from services.bus.memory import MemoryBus
from services.mirror.memory_mirror import MemoryMirror
from twin.events import CaseRejected
from twin.state import Record, TwinState, fingerprint, fold

EVENT = CaseRejected(case_id="c1", at_min=0.0, reason="test")


def test_partitions_of_keys_do_not_change_from_run_to_run():
    bus = MemoryBus()
    for key in ("a", "b", "c", None):
        bus.append("t", key, "", b"", {})
    assert {place[1]: [m.key for m in messages] for place, messages in bus.log.items()} == {
        3: ["a", "c"],
        1: ["b"],
        0: [None],
    }


def test_the_number_of_partitions_can_be_chosen():
    bus = MemoryBus(partitions=1)
    assert bus.subscriber(["verdicts"], "g").lag() == {("verdicts", 0): 0}


def test_a_poll_without_news_keeps_waiting_when_others_write():
    bus = MemoryBus()
    subscriber, publisher = bus.subscriber(["cases"], "g"), bus.publisher()
    elsewhere = threading.Thread(target=lambda: [publisher.publish(EVENT) for _ in range(50)])
    elsewhere.start()
    assert subscriber.poll(1, 0.2) == []
    elsewhere.join()
    assert sum(bus.subscriber(["verdicts"], "g").lag().values()) == 50


def test_messages_keep_their_headers_when_the_writer_changes_its_own():
    bus = MemoryBus()
    headers = {"reason": "first"}
    bus.publisher().publish_raw("dead-letters", "k", "s", b"", headers)
    headers["reason"] = "second"
    (message,) = bus.subscriber(["dead-letters"], "g").poll(1, 1.0)
    assert message.headers == {"reason": "first"}


def test_the_mirror_hands_out_copies():
    mirror = MemoryMirror()
    records = [Record("verdicts", 0, 0, EVENT)]
    assert mirror.apply(records) == 1
    copy = mirror.read_back()
    copy.apply(Record("verdicts", 0, 1, EVENT))
    assert fingerprint(mirror.read_back()) == fingerprint(fold(records))
    mirror.wipe()
    assert mirror.read_back() == TwinState()
