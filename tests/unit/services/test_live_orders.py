"""What is told to the twin that is up: labels, orders, epochs; on a bus without servers."""

import io
import threading

import pytest
from loop_clinic import base, month, reference
from stack_logs import DAY, V0, V1, VERDICTS, promoted

from services.bus.memory import MemoryBus
from services.bus.port import Message
from services.live_facts import arrival_min, epoch_of, label_of
from services.live_log import NOTHING, RESTACKS, WATCHES, LiveLog
from services.live_orders import Label, facts_of, send_epoch, send_label, send_order
from services.logs import open_log
from services.mirror.overview import Overview
from services.mirror.records import record_of
from services.restacker import TOPICS, RestackerLoop
from services.status import status_of
from twin.errors import DataError, SettingsError
from twin.events import (
    CaseArrived,
    CaseClosed,
    DriftReported,
    EpochReached,
    Event,
    FeedbackReceived,
    StackOrdered,
)
from twin.images import BlobRef
from twin.restacking.gate import Judgement
from twin.restacking.plan import RestackPlan
from twin.restacking.restacker import Restacker
from twin.state import CaseState, fold

ARRIVED = CaseArrived(case_id="c1", at_min=0.5, image=BlobRef(sha256="a"))
CLOSED = CaseClosed(case_id="c1", at_min=40.0, referred=True, left_early=False, waits_min={})


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


def log_of(bus: MemoryBus, *events: Event, loop: str | None = RESTACKS) -> LiveLog:
    publisher = bus.publisher()
    for event in events:
        publisher.publish(event)
    return LiveLog(
        prefix="p",
        loop=loop,
        reader=lambda topics: bus.subscriber(topics, "reader"),
        publisher=publisher,
    )


def test_a_label_is_received_at_the_latest_time_and_its_fate_is_told(bus: MemoryBus) -> None:
    log = log_of(bus, ARRIVED, VERDICTS[0], CLOSED)
    first, fate = send_label(log, Label(case_id="c1", label="malignant", p_verified=0.5))
    assert fate == "counts"
    assert (first.at_min, first.p_verified, first.way) == (40.0, 0.5, "biopsied")
    assert log.events("feedback") == [first]
    for label, says in (
        (Label(case_id="c1", label="malignant"), "duplicate"),
        (Label(case_id="c1", label="benign"), "conflict"),
        (Label(case_id="c1", label="melanom"), "unknown class"),
        (Label(case_id="c7", label="benign"), "unknown case"),
        (Label(case_id="c1", label="benign", revision=1), "counts"),
        (Label(case_id="c1", label="malignant"), "superseded"),
    ):
        event, fate = send_label(log, label)
        assert fate == says, label
        assert event in log.events("feedback")


def test_a_label_that_cannot_be_weighted_is_not_sent(bus: MemoryBus) -> None:
    log = log_of(bus, ARRIVED)
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(SettingsError, match="p-verified"):
            send_label(log, Label(case_id="c1", label="benign", p_verified=wrong))
    assert not log.events("feedback")


def test_an_order_names_a_version_that_there_is(bus: MemoryBus) -> None:
    log = log_of(bus, V0, V1)
    order, in_force = send_order(log, 0, "Dr Wu", "it is worse")
    assert in_force == 1
    assert (order.version, order.by, order.at_min) == (0, "Dr Wu", 3 * DAY)
    assert [one for one in log.events("stacks") if isinstance(one, StackOrdered)] == [order]
    with pytest.raises(DataError, match="has no stack version 2; it has versions 0 to 1"):
        send_order(log, 2, "Dr Wu", "")


@pytest.mark.parametrize("loop", [NOTHING, WATCHES])
def test_where_nobody_would_carry_it_out_no_order_is_sent(bus: MemoryBus, loop: str) -> None:
    log = log_of(bus, V0, loop=loop)
    with pytest.raises(SettingsError, match="start it with `dermtwin up --scenario FILE`"):
        send_order(log, 0, "me", "")
    assert log.events("stacks") == [V0]


def test_an_epoch_comes_after_all_that_is_on_the_log_and_counts_it() -> None:
    said = FeedbackReceived(feedback_id="f", case_id="c1", at_min=99.5, label="benign")
    reached = EpochReached(at_min=50.0, epoch=4, cases=1, feedback=0, closed=1)
    decided = DriftReported(at_min=50.0, epoch=4, cases=1)
    log = log_of(MemoryBus())
    known = [V0, ARRIVED, ARRIVED, *VERDICTS[:1], CLOSED, said, said, reached, decided]
    found = epoch_of(facts_of(log, known))
    assert found == EpochReached(at_min=100.0, epoch=5, cases=1, feedback=1, closed=1)
    first = EpochReached(at_min=1.0, epoch=1, cases=0, feedback=0)
    assert epoch_of(facts_of(log, [])) == first


def test_ids_of_messages_go_on_from_the_highest_and_hang_on_their_seed() -> None:
    label = Label(case_id="c1", label="benign")
    known = {
        f"{number}x": FeedbackReceived(feedback_id=one, case_id="c1", at_min=1.0, label="benign")
        for number, one in enumerate(("f000041-aa", "f000007-bb", "c1.3"))
    }
    case = CaseState(feedback={one.feedback_id: one for one in known.values()})
    assert label_of(label, case, 2.0, "ab" * 16).feedback_id == "f000042-" + "ab" * 8
    assert label_of(label, CaseState(), 2.0, "ab" * 16).feedback_id == "f000000-" + "ab" * 8


def test_a_case_that_is_sent_while_an_epoch_is_open_arrives_before_it() -> None:
    reached = EpochReached(at_min=100.0, epoch=4, cases=1, feedback=0)
    decided = DriftReported(at_min=100.0, epoch=4, cases=1)
    assert arrival_min(99.0, [V0]) == 99.0
    assert 99.9 < arrival_min(100.0, [V0, reached]) < 100.0
    assert arrival_min(100.0, [V0, reached, decided]) == 100.0


def test_an_epoch_is_not_reached_before_the_last_one_is_decided(bus: MemoryBus) -> None:
    log = log_of(bus, V0, ARRIVED)
    assert send_epoch(log).epoch == 1
    with pytest.raises(SettingsError, match="epoch 1 is not decided yet"):
        send_epoch(log)
    log.send(promoted(1, 1, (0.0, 1.0, 0.5, 0.0)))
    assert send_epoch(log).epoch == 2


def test_a_twin_that_only_watches_has_epochs_and_one_that_does_nothing_has_none(
    bus: MemoryBus,
) -> None:
    log = log_of(bus, V0, loop=WATCHES)
    assert send_epoch(log).epoch == 1
    log.send(DriftReported(at_min=1.0, epoch=1, cases=0))
    assert send_epoch(log).epoch == 2
    with pytest.raises(SettingsError, match="dermtwin up --scenario"):
        send_epoch(log_of(MemoryBus(), V0, loop=NOTHING))


def test_bytes_that_are_no_event_do_not_stop_a_command(bus: MemoryBus) -> None:
    log = log_of(bus, ARRIVED)
    bus.publisher().publish_raw("cases", "k", "CaseArrived/2", b"{", {})
    assert log.events("cases") == [ARRIVED]


def restack(bus: MemoryBus) -> None:
    """A re-stacker that starts, reads the log from its beginning, and ends at its end."""
    stop = threading.Event()
    subscriber = bus.subscriber(TOPICS, "restacker")
    poll = subscriber.poll

    def until_read(max_messages: int, timeout_s: float) -> list[Message]:
        found = poll(max_messages, 0.0)
        if not found:
            stop.set()
        return found

    subscriber.poll = until_read  # type: ignore[method-assign]
    plan = RestackPlan(every_min=30 * DAY, rollback=False)

    def new() -> Restacker:
        passing = Judgement("pass", (), "better")
        return Restacker(base(), reference(), "m", plan, judge=lambda *_: passing)

    RestackerLoop(subscriber, bus.publisher(), new, open_log(io.StringIO())).run(stop)


def test_a_twin_that_is_told_all_this_promotes_and_goes_back_and_its_status_says_so(
    bus: MemoryBus,
) -> None:
    log = log_of(bus, *month(1, blind=True, count=300)[:-1])
    send_label(log, Label(case_id="nobody", label="benign"))
    restack(bus)
    send_epoch(log)
    restack(bus)
    order, in_force = send_order(log, 0, "Dr Wu", "it is worse")
    assert in_force == 1
    restack(bus)  # an order is not carried out between epochs
    send_epoch(log)
    restack(bus)
    restack(bus)
    state = fold(record_of(message) for some in bus.log.values() for message in some)
    status = status_of(Overview(state, 0.0, {}), 0.0)
    assert [one.how for one in state.stacks.values()] == ["trained", "restack", "rollback"]
    assert (status["stack"]["version"], status["stack"]["restores"]) == (2, 0)
    assert status["stack"]["reason"] == "version 0 was ordered back by Dr Wu: it is worse"
    assert status["epochs"]["orders"][0]["order_id"] == order.order_id
    assert status["epochs"]["orders"][0]["carried_out_at_epoch"] == 2
    assert status["labels"]["apart"] == {"unknown case": 1}
