"""The engine's way to the twin over Kafka: publish cases, read verdicts and decisions."""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from services.bus.port import Message, Publisher, Subscriber
from services.bus.reading import read_or_none
from twin.errors import DependencyError, InvariantError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    DriftReported,
    EpochReached,
    Event,
    FeedbackReceived,
    StackEvent,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)

_POLL_S: Final = 0.05
_MOST_PER_POLL: Final = 500
PATIENCE_S: Final = 90.0  # with a log that cannot be reached; half a minute must do: assumption
_AGAIN_S: Final = 0.5

Result = TypeVar("Result")


class KafkaLink:
    """Publishes cases and keeps the answers of record.

    A log that cannot be reached is waited for. What is sent and has not been acknowledged is sent
    again then; whoever reads it twice knows it by its id.

    Parameters:
        verdicts: subscriber to the verdicts topic.
        check: raises when a loop of the twin has failed, so that nobody waits in vain.
        on_answers: is told how many answers came, as they come.
        stacks: subscriber to the stacks topic; None where nothing happens at epochs.
        kinds: of each of these, the log has one event for an epoch that is decided.
    """

    def __init__(
        self,
        publisher: Publisher,
        verdicts: Subscriber,
        check: Callable[[], None],
        on_answers: Callable[[int], None],
        stacks: Subscriber | None = None,
        kinds: Sequence[tuple[type, ...]] = (),
    ) -> None:
        self._publisher = publisher
        self._verdicts = verdicts
        self._check = check
        self._on_answers = on_answers
        self._stacks = stacks
        self._kinds = tuple(kinds)
        self._decided: dict[int, list[StackEvent | None]] = {}  # by epoch, in order of `kinds`
        self._first: StackPromoted | None = None  # version 0
        self._told_first = False
        self._sent: list[Event] = []  # since the last acknowledgement
        self._lost = False  # some of that may be
        self._promoted: list[tuple[float, int]] = []  # from when on, and which version; in order
        self.answers: dict[str, VerdictIssued | CaseRejected] = {}

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        """Publish cases; flushed, so that a case is on the log before its answer is awaited."""
        self._sent += cases
        self._send(cases)
        self.flush()

    def flush(self) -> None:
        """Wait until all that was published is on the log.

        Raises:
            DependencyError: the log stayed away.
        """

        def settle() -> None:
            if self._lost:
                for event in self._sent:
                    self._publisher.publish(event)
            self._lost = True  # until this has come through
            self._publisher.flush()

        self._patiently(settle)
        self._lost = False
        self._sent.clear()

    def answer(self, case_id: str) -> VerdictIssued | CaseRejected:
        """Wait for a case's answer.

        Raises:
            InvariantError: another stack answered than the one that was in force.
        """
        while (found := self.wait(case_id)) is None:
            pass
        return found

    def wait(self, case_id: str) -> VerdictIssued | CaseRejected | None:
        """Return a case's answer if it comes within a moment.

        Raises:
            InvariantError: another stack answered than the one that was in force.
        """
        if case_id not in self.answers:
            self._check()
            self._take(_POLL_S)
        return self.answers.get(case_id)

    def poll(self, case_id: str) -> VerdictIssued | CaseRejected | None:
        """Return a case's answer if it has come."""
        if case_id not in self.answers:
            self._check()
            self._take(0.0)
        return self.answers.get(case_id)

    def publish(self, event: CaseClosed | FeedbackReceived) -> None:
        """Publish that a case is closed, or what a clinic says it was."""
        self._sent.append(event)
        self._send([event])

    def epoch(self, event: EpochReached) -> list[StackEvent]:
        """Publish an epoch and wait until the log has what was decided; version 0 comes first.

        What came before the epoch is on the log before it, whatever partitions it is in: whoever
        reads the epoch and then to the log's end has all of it. Cases that are submitted
        afterwards are behind the decision on the log.

        Raises:
            InvariantError: nothing happens at epochs.
        """
        if self._stacks is None:
            raise InvariantError(f"epoch {event.epoch} of a run without re-stacking or drift")
        self.flush()
        self._sent.append(event)
        self._send([event])
        self.flush()
        while not self._complete(event.epoch):
            self._check()
            for message in self._polled(self._stacks, _POLL_S):
                self._hear(read_or_none(message))
        first = [] if self._told_first or self._first is None else [self._first]
        self._told_first = True
        return [*first, *(one for one in self._decided.pop(event.epoch) if one is not None)]

    def _send(self, events: Sequence[Event]) -> None:
        """Publish events; those that a log does not take are sent with the next flush."""
        try:
            for event in events:
                self._publisher.publish(event)
        except DependencyError:
            self._lost = True

    def _polled(self, subscriber: Subscriber, wait_s: float) -> list[Message]:
        return self._patiently(lambda: subscriber.poll(_MOST_PER_POLL, wait_s))

    def _patiently(self, call: Callable[[], Result]) -> Result:
        """Return what a call returns, once the log can be reached.

        Raises:
            DependencyError: it stayed away, or a loop of the twin has failed meanwhile.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return call()
            except DependencyError:
                if time.monotonic() > deadline_s:
                    raise
            self._check()
            time.sleep(_AGAIN_S)

    def _complete(self, epoch: int) -> bool:
        return self._first is not None and None not in self._decided.get(epoch, [None])

    def _hear(self, event: Event | None) -> None:
        if isinstance(event, StackPromoted) and event.epoch == 0:
            self._first = self._first or event
        for place, kinds in enumerate(self._kinds):
            if isinstance(event, kinds):
                assert isinstance(event, DriftReported | StackPromoted | StackRejected)
                found = self._decided.setdefault(event.epoch, [None] * len(self._kinds))
                if found[place] is None:  # the first is the one of record
                    found[place] = event
                    if isinstance(event, StackPromoted):
                        self._promoted.append((event.at_min, event.version))

    def _take(self, wait_s: float) -> None:
        fresh = 0
        for message in self._polled(self._verdicts, wait_s):
            event = read_or_none(message)  # others' noise is the mirror's to keep apart
            # A repeated answer is the same one (at-least-once); the first is the one of record.
            if isinstance(event, VerdictIssued | CaseRejected):
                self._ensure_in_force(event)
                fresh += self.answers.setdefault(event.case_id, event) is event
        if fresh:
            self._on_answers(fresh)

    def _ensure_in_force(self, answer: VerdictIssued | CaseRejected) -> None:
        """Hold an answer against law 6; another version would make another log.

        Raises:
            InvariantError: another stack answered than the one in force when the case arrived.
        """
        if self._stacks is None or isinstance(answer, CaseRejected):
            return
        place = bisect_right(self._promoted, answer.at_min, key=lambda one: one[0])
        version = self._promoted[place - 1][1] if place else 0
        if answer.stack != version:
            raise InvariantError(
                f"case {answer.case_id}, at {answer.at_min:g} min, was answered by stack "
                f"{answer.stack}; version {version} was in force"
            )
