"""The re-stacker's loop on an event bus, and what the log says after it was killed."""

import io
import threading
from dataclasses import replace
from functools import cache

import pytest
from loop_clinic import DAY, base, month, months, reference

from services.beats import Beats
from services.bus.codec import decode
from services.bus.memory import MemoryBus
from services.logs import open_log
from services.mirror.records import record_of
from services.restacker import TOPICS, RestackerLoop
from twin.errors import DependencyError
from twin.events import (
    CaseArrived,
    DriftReported,
    FeedbackReceived,
    LoggedEvent,
    StackEvent,
    StackPromoted,
    StackRejected,
)
from twin.labels import DUPLICATE, TOO_EARLY, UNKNOWN_CASE, UNKNOWN_CLASS
from twin.log import digest, in_order
from twin.restacking.gate import Judgement
from twin.restacking.plan import RestackPlan
from twin.restacking.restacker import Restacker
from twin.state import APART, TwinState, fold

PLAN = RestackPlan(every_min=30 * DAY, window_min=30 * DAY)


class Killed(BaseException):
    """As a signal would: nothing catches it."""


def new() -> Restacker:
    def watch(epoch, ledger, in_force):
        asked.append(epoch.epoch)
        return DriftReported(at_min=epoch.at_min, epoch=epoch.epoch, cases=len(asked))

    asked: list[int] = []
    passing = Judgement("pass", (), "better")
    return Restacker(base(), reference(), "m", PLAN, watch, judge=lambda *_: passing)


class Fragile:
    """A publisher that breaks down at its n-th event, before or after it is on the log."""

    def __init__(self, bus: MemoryBus, at: int, error: BaseException, *, sent: bool) -> None:
        self._publisher, self._left = bus.publisher(), at
        self._error, self._sent = error, sent

    def publish(self, event: LoggedEvent) -> None:
        self._left -= 1
        if self._left == 0 and not self._sent:
            raise self._error
        self._publisher.publish(event)
        if self._left == 0:
            raise self._error

    def flush(self) -> None:
        self._publisher.flush()


class UntilRead:
    """A subscriber that ends the loop when there is nothing left, or kills it before."""

    def __init__(self, bus: MemoryBus, stop: threading.Event, kill_at: int | None = None) -> None:
        self._subscriber, self._stop = bus.subscriber(TOPICS, "restacker"), stop
        self._left = kill_at

    def poll(self, max_messages: int, timeout_s: float):
        if self._left is not None:
            max_messages = min(max_messages, self._left)
            self._left -= max_messages
            if max_messages == 0:
                raise Killed
        found = self._subscriber.poll(max_messages, 0.0)
        if not found:
            self._stop.set()
        return found

    def __getattr__(self, name: str):
        return getattr(self._subscriber, name)


@cache
def quarter() -> tuple[LoggedEvent, ...]:
    """A learner goes blind in the first month; in the second it is back."""
    few = {"count": 200}
    return tuple(months(month(1, blind=True, **few), month(2, **few), month(3, **few)))


def bus_with_events() -> MemoryBus:
    bus = MemoryBus()
    for event in quarter():
        bus.publisher().publish(event)
    return bus


def serve(
    bus: MemoryBus, publisher=None, kill_at: int | None = None, beats: Beats | None = None
) -> RestackerLoop:
    stop = threading.Event()
    subscriber = UntilRead(bus, stop, kill_at)
    log = open_log(io.StringIO())
    loop = RestackerLoop(subscriber, publisher or bus.publisher(), new, log, beats)
    loop.run(stop)
    return loop


def state_of(bus: MemoryBus) -> TwinState:
    return fold(record_of(message) for messages in bus.log.values() for message in messages)


@cache
def undisturbed() -> str:
    bus = bus_with_events()
    serve(bus)
    return digest(state_of(bus).of_record())


def test_every_epoch_is_decided_once_and_version_0_announced() -> None:
    bus = bus_with_events()
    loop = serve(bus)
    state = state_of(bus)
    assert sorted(state.stacks) == [0, 1, 2, 3]
    assert sorted(state.drift) == [1, 2, 3]
    assert isinstance(state.stacks[0], StackPromoted)
    assert state.stacks[0].how == "trained"
    assert isinstance(state.stacks[1], StackPromoted)
    assert isinstance(state.stacks[2], StackPromoted | StackRejected)
    assert state.counts["duplicates"] == state.counts["conflicts"] == loop.restarts == 0


# The first is version 0; then come two of each epoch.
@pytest.mark.parametrize(
    ("at", "sent"), [(1, False), (1, True), (2, False), (2, True), (3, False), (4, True), (7, True)]
)
def test_killed_at_any_publication_the_next_one_goes_on(at: int, sent: bool) -> None:
    bus = bus_with_events()
    with pytest.raises(Killed):
        serve(bus, Fragile(bus, at, Killed(), sent=sent))
    serve(bus)
    state = state_of(bus)
    assert digest(state.of_record()) == undisturbed()
    assert state.counts["conflicts"] == state.counts["duplicates"] == 0


@pytest.mark.parametrize("kill_at", [1, 250, 600])
def test_killed_while_it_reads_it_leaves_no_trace(kill_at: int) -> None:
    bus = bus_with_events()
    with pytest.raises(Killed):
        serve(bus, kill_at=kill_at)
    serve(bus)
    assert digest(state_of(bus).of_record()) == undisturbed()


@pytest.mark.parametrize("sent", [False, True])
def test_a_publication_that_fails_is_made_again(sent: bool, monkeypatch) -> None:
    monkeypatch.setattr("services.restacker.RETRY_WAITS_S", (0.0,))
    bus = bus_with_events()
    loop = serve(bus, Fragile(bus, 3, DependencyError("gone"), sent=sent))
    assert loop.restarts == 1
    assert digest(state_of(bus).of_record()) == undisturbed()


def test_a_dependency_that_stays_away_ends_it(monkeypatch) -> None:
    monkeypatch.setattr("services.restacker.RETRY_WAITS_S", ())
    bus = bus_with_events()
    with pytest.raises(DependencyError, match="gone"):
        serve(bus, Fragile(bus, 1, DependencyError("gone"), sent=False))


def test_it_says_what_it_does_and_that_leaves_no_trace(monkeypatch) -> None:
    monkeypatch.setattr("services.restacker.RETRY_WAITS_S", (0.0,))
    bus = bus_with_events()
    beats = Beats("restacker", "m", "epochs", bus.publisher().publish)
    serve(bus, Fragile(bus, 3, DependencyError("gone"), sent=True), beats=beats)
    state = state_of(bus)
    assert digest(state.of_record()) == undisturbed()
    told = [
        decode(one.schema, one.value)
        for (topic, _), log in bus.log.items()
        for one in log
        if topic == "components"
    ]
    states = [one.state for one in told]
    assert states == ["starting", "restarting", "ready", "stopped"]
    assert told[1].reason == "reads the log again: DependencyError: gone"
    last = state.components["restacker"]
    # One was decided and published as the publisher broke down: it was taken over from the log.
    assert (last.restarts, last.facts["epochs"]) == (1, 2.0)
    assert last.facts["latency_ms_p95"] > 0
    assert last.last_input.startswith("epoch 3 at day 90: ")
    assert last.last_output.startswith("epoch 3: drift reported, ")


def test_what_is_no_event_is_passed_over() -> None:
    bus = bus_with_events()
    bus.publisher().publish_raw("feedback", "k", "FeedbackReceived/1", b"{", {})
    serve(bus)
    state = state_of(bus)
    assert digest(state.of_record()) == undisturbed()
    assert state.counts["invalid"] == 1


def test_labels_that_do_not_count_change_no_decision() -> None:
    """Of an unknown case, from before the verdict, of an unknown class, and a thousand repeats."""
    events = quarter()
    label = next(one for one in events if isinstance(one, FeedbackReceived))
    early = next(one for one in events if isinstance(one, CaseArrived) and one.at_min > DAY)
    stray = [
        replace(label, feedback_id="stray.1", case_id="nobody"),
        replace(label, feedback_id="stray.2", case_id=early.case_id, at_min=early.at_min - 60),
        replace(label, feedback_id="stray.3", label="mole"),
        *(replace(label, feedback_id=f"again.{n}") for n in range(1000)),
        *[label] * 10,
    ]
    bus = MemoryBus()
    for event in [*stray, *events]:
        bus.publisher().publish(event)
    serve(bus)
    state, plain = state_of(bus), bus_with_events()
    serve(plain)
    assert [e for e in in_order(state.of_record()) if isinstance(e, StackEvent)] == [
        e for e in in_order(state_of(plain).of_record()) if isinstance(e, StackEvent)
    ]
    apart = {name: n for name, n in state.counts.items() if name.startswith(APART) and n}
    assert apart == {
        f"{APART}{UNKNOWN_CASE}": 1,
        f"{APART}{TOO_EARLY}": 1,
        f"{APART}{UNKNOWN_CLASS}": 1,
        f"{APART}{DUPLICATE}": 1000,
    }
    assert state.counts["duplicates"] == 10
