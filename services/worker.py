"""The one loop of the twin: cases in, verdicts out; publish, then commit (law 3).

A crash between publishing and committing repeats the batch; the verdicts are the same, and the
fold counts a repeated verdict as a duplicate, so each case keeps exactly one verdict of record.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from services.beats import Beats, unheard
from services.bus.port import Message, Publisher, Subscriber
from services.bus.reading import read, read_or_none
from services.dead_letters.keeper import Letters
from services.logs import Log
from twin.errors import DependencyError, EventError
from twin.events import CaseArrived, CaseRejected, StackPromoted, VerdictIssued
from twin.lifecycle import ComponentState
from twin.meter import counted
from twin.pipeline import Pending, Pipeline

# Waits between tries when a dependency fails, about a minute in all. Short ones: a broker that is
# back must not wait for the worker. Assumption.
RETRY_WAITS_S: Final = (0.5, 1.0, *[2.0] * 30)
IDLE_POLL_S: Final = 0.05
FIRST_BATCH: Final = 1
LOOK_EVERY_S: Final = 0.5  # the supervisor's look waits for nobody and asks every 2 s
_MOST_STACKS: Final = 100
MOST_LATELY: Final = 20_000  # cases whose first arrival is remembered: assumption

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Batch:
    pending: Pending
    upto: dict[tuple[str, int], int]  # next offset to read, per partition
    begun_s: float
    refused: int  # messages that were no events


class Worker:
    """Reads cases, has them scored in micro-batches, and publishes the answers.

    Parameters:
        batch: most cases scored together.
        in_flight: batches under way at once; with three, one is always waiting for the stem.
        on_idle: called about every 0.5 s between batches, to check the components' health.
        stacks: subscriber to the stacks topic, from its beginning; None where the stack is fixed.
            It is read to its end before each batch. Whoever sends cases that arrive after an
            epoch has read that epoch's decision from the log first (`KafkaLink.epoch`), so the
            decision is there when the case is.
        beats: tell what the worker does; None where nobody listens.
    """

    def __init__(
        self,
        subscriber: Subscriber,
        publisher: Publisher,
        pipeline: Pipeline,
        *,
        batch: int,
        log: Log,
        in_flight: int = 3,
        on_idle: Callable[[], None] | None = None,
        stacks: Subscriber | None = None,
        beats: Beats | None = None,
    ) -> None:
        self._subscriber = subscriber
        self._publisher = publisher
        self._pipeline = pipeline
        self._batch = batch
        self._in_flight = in_flight
        self._on_idle = on_idle
        self._stacks = stacks
        self._log = log.bind(stage="worker", model_id=pipeline.model_id)
        self._checked_s = time.monotonic()
        # The first answers must not wait for a whole batch: batches grow from small ones.
        self._take = min(batch, FIRST_BATCH)
        self.answered = 0
        self._letters = Letters(publisher, "worker", self._log)
        # Bytes of the arrivals that came lately, by case, as a number: the first is of record.
        self._lately: OrderedDict[str, int] = OrderedDict()
        self.contradicting = 0  # arrivals of a case that had arrived otherwise: not answered
        self.rejected = 0
        self.retries = 0
        self._under_way: deque[_Batch] = deque()
        self.beats = beats or unheard("worker", pipeline.model_id, "cases")
        self.beats.more = self._figures

    @property
    def dead_lettered(self) -> int:
        """Messages that were no events."""
        return sum(self._letters.kinds.values())

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set and the batches under way are published.

        Raises:
            DependencyError: a dependency stayed away through all retries; nothing is committed
                beyond what was published, so the next worker takes up where this one stopped.
        """
        with self.beats.alive(ComponentState.READY):
            self._serve(stop)

    def _serve(self, stop: threading.Event) -> None:
        under_way = self._under_way = deque()
        while under_way or not stop.is_set():
            if len(under_way) < self._in_flight and not stop.is_set():
                wait_s = 0.0 if under_way else IDLE_POLL_S
                messages = self._insist(partial(self._subscriber.poll, self._take, wait_s))
                if messages:
                    self._take = min(self._batch, 2 * self._take)
                    under_way.append(self._insist(partial(self._begin, messages)))
                    continue
            if under_way:
                self._finish(under_way[0])
                under_way.popleft()
            self._look_after_components()
            self.beats.beat()

    def _insist(self, call: Callable[[], Result]) -> Result:
        """Return what a call returns, trying again while a dependency is away.

        Raises:
            DependencyError: it stayed away through all retries.
        """
        for wait_s in (*RETRY_WAITS_S, None):
            try:
                result = call()
                break
            except DependencyError as error:
                if wait_s is None:
                    raise
                self._bear(error, wait_s)
        self.beats.well()
        return result

    def _bear(self, error: DependencyError, wait_s: float) -> None:
        """Say what is wrong, and wait."""
        self.retries += 1
        self._log.warning("retry", reason=str(error), wait_s=wait_s)
        self.beats.trouble(f"tries again in {wait_s:g} s", error)
        self.beats.wait(wait_s)

    def _follow(self) -> None:
        """Take over all promotions that are on the log."""
        book = self._pipeline.book
        if self._stacks is None or book is None:
            return
        while sum(self._stacks.lag().values()) > 0:
            for message in self._stacks.poll(_MOST_STACKS, IDLE_POLL_S):
                event = read_or_none(message)
                if isinstance(event, StackPromoted) and book.add(event):
                    self._log.info("stack", version=event.version, how=event.how)

    def _begin(self, messages: Sequence[Message]) -> _Batch:
        self._follow()
        cases: list[CaseArrived] = []
        upto: dict[tuple[str, int], int] = {}
        refused = self.dead_lettered
        for message in messages:
            upto[message.topic, message.partition] = message.offset + 1
            try:
                event = read(message)
            except EventError as error:
                self._letters.keep(message, error)
                continue
            if isinstance(event, CaseArrived) and self._is_of_record(event.case_id, message.value):
                cases.append(event)
        if cases:
            self.beats.meter.saw(f"{counted(len(cases), 'case')}, last {cases[-1].case_id}")
        refused = self.dead_lettered - refused
        return _Batch(self._pipeline.submit(cases), upto, self.beats.now_s(), refused)

    def _is_of_record(self, case_id: str, raw: bytes) -> bool:
        """Return whether an arrival is its case's first, or the first delivered again.

        One that says otherwise is kept apart by the mirror, which knows all cases, and would get
        a second answer here.
        """
        content = hash(raw)
        first = self._lately.setdefault(case_id, content)
        if len(self._lately) > MOST_LATELY:
            self._lately.popitem(last=False)
        if first != content:
            self.contradicting += 1
        return first == content

    def _finish(self, batch: _Batch) -> None:
        pending = batch.pending
        for wait_s in (*RETRY_WAITS_S, None):
            try:
                answers = self._pipeline.collect(pending)
                for answer in answers:
                    self._publisher.publish(answer)
                self._publisher.flush()
                self._subscriber.commit(batch.upto)
                break
            except DependencyError as error:
                if wait_s is None:
                    raise
                self._bear(error, wait_s)
                pending = self._pipeline.submit(pending.cases)
        self._count(batch, answers)
        took_ms = round((self.beats.now_s() - batch.begun_s) * 1000, 1)
        for answer in answers:
            fields = (
                {"p_malignant": answer.p_malignant, "missing": list(answer.missing)}
                if isinstance(answer, VerdictIssued)
                else {"rejected": answer.reason}
            )
            self._log.info("case", case_id=answer.case_id, batch_ms=took_ms, **fields)

    def _count(self, batch: _Batch, answers: Sequence[VerdictIssued | CaseRejected]) -> None:
        rejected = sum(isinstance(answer, CaseRejected) for answer in answers)
        self.answered += len(answers)
        self.rejected += rejected
        if answers or batch.refused:  # one of closings alone had nothing to be done
            words = f"{counted(len(answers), 'answer')}{_last(answers)}"
            self.beats.meter.note(
                batch.begun_s, len(answers), words, errors=rejected, refused=batch.refused
            )
        self.beats.well()

    def _figures(self) -> dict[str, float]:
        """Return what only the worker knows of itself."""
        return {
            "rejected": float(self.rejected),
            "dead_lettered": float(self.dead_lettered),
            "contradicting": float(self.contradicting),
            "retries": float(self.retries),
            "cases_in_flight": float(sum(len(one.pending.cases) for one in self._under_way)),
        }

    def _look_after_components(self) -> None:
        if self._on_idle and time.monotonic() - self._checked_s > LOOK_EVERY_S:
            self._on_idle()
            self._checked_s = time.monotonic()


def _last(answers: Sequence[VerdictIssued | CaseRejected]) -> str:
    """Return the last answer in words."""
    if not answers:
        return ""
    last = answers[-1]
    said = f"p {last.p_malignant:.3f}" if isinstance(last, VerdictIssued) else "rejected"
    return f", last {said} for {last.case_id}"
