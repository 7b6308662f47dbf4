"""Messages of drills are what they say they are, and the sound ones among them are noted."""

import pytest

from services.bus.codec import decode
from services.bus.memory import MemoryBus
from services.faults.messages import CORRUPT, Messages
from twin.errors import EventError
from twin.events import CaseArrived, CaseClosed, FeedbackReceived
from twin.images import BlobRef
from twin.state import Record, TwinState


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus(partitions=1)


@pytest.fixture
def poisoned() -> list[str]:
    return []


@pytest.fixture
def messages(bus: MemoryBus, poisoned: list[str]) -> Messages:
    recent = [
        CaseArrived(case_id=f"c{n}", at_min=float(n), image=BlobRef(sha256="0" * 64))
        for n in range(5)
    ]
    return Messages(bus.publisher(), lambda: recent, poisoned.extend)


def test_every_corrupt_message_is_no_event(bus: MemoryBus, messages: Messages) -> None:
    messages.send("corrupt", len(CORRUPT))

    log = bus.log["cases", 0]
    assert len(log) == len(CORRUPT)
    for one in log:
        with pytest.raises(EventError):
            decode(one.schema, one.value)
    assert {one.key is None for one in log} == {True, False}
    assert messages.sent == set()


def test_an_oversized_one_is_larger_than_an_event_may_be(
    bus: MemoryBus, messages: Messages
) -> None:
    messages.send("oversized", 2)

    sizes = [len(one.value) for one in bus.log["cases", 0]]
    assert len(sizes) == 2
    assert min(sizes) > 1_000_000


def test_duplicates_are_the_latest_cases_again(bus: MemoryBus, messages: Messages) -> None:
    messages.send("duplicates", 2)

    assert [one.key for one in bus.log["cases", 0]] == ["c3", "c4"]


def test_reordered_ones_come_backwards_and_each_label_counts(
    bus: MemoryBus, messages: Messages
) -> None:
    messages.send("reordered", 3)

    kinds = [type(decode(one.schema, one.value)) for one in bus.log["cases", 0]]
    assert kinds == [CaseClosed] * 3 + [CaseArrived] * 3
    keys = [one.key for one in bus.log["cases", 0]]
    assert keys[:3] == keys[3:] == sorted(messages.sent, reverse=True)
    assert messages.labelled == messages.sent


def test_labels_twice_fold_to_one_each(bus: MemoryBus, messages: Messages) -> None:
    messages.send("labels_twice", 4)

    told = [decode(one.schema, one.value) for one in bus.log["feedback", 0]]
    assert [type(one) for one in told] == [FeedbackReceived] * 12
    state = TwinState()
    for offset, event in enumerate(told):
        state.apply(Record("feedback", 0, offset, event))
    assert (state.counts["feedback"], state.counts["duplicates"]) == (8, 4)


def test_poison_is_ordered_before_it_is_sent(
    bus: MemoryBus, messages: Messages, poisoned: list[str]
) -> None:
    messages.send("poison", 2)

    assert len(bus.log["cases", 0]) == len(set(poisoned)) == 2
    assert len(messages.sent) == 2
