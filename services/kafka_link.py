"""The engine's way to the twin over Kafka: publish cases, read verdicts."""

from collections.abc import Callable, Sequence
from typing import Final

from services.bus.codec import decode
from services.bus.port import Publisher, Subscriber
from twin.events import CaseArrived, CaseClosed, CaseRejected, VerdictIssued

_POLL_S: Final = 0.05
_MOST_PER_POLL: Final = 500


class KafkaLink:
    """Publishes cases and keeps the answers of record.

    Parameters:
        verdicts: subscriber to the verdicts topic.
        check: raises when the worker or the mirror has failed, so that nobody waits in vain.
        on_answers: is told how many answers came, as they come.
    """

    def __init__(
        self,
        publisher: Publisher,
        verdicts: Subscriber,
        check: Callable[[], None],
        on_answers: Callable[[int], None],
    ) -> None:
        self._publisher = publisher
        self._verdicts = verdicts
        self._check = check
        self._on_answers = on_answers
        self.answers: dict[str, VerdictIssued | CaseRejected] = {}

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        """Publish cases; flushed, so that a case is on the log before its answer is awaited."""
        for case in cases:
            self._publisher.publish(case)
        self._publisher.flush()

    def answer(self, case_id: str) -> VerdictIssued | CaseRejected:
        """Wait for a case's answer."""
        while case_id not in self.answers:
            self._check()
            self._take(_POLL_S)
        return self.answers[case_id]

    def poll(self, case_id: str) -> VerdictIssued | CaseRejected | None:
        """Return a case's answer if it has come."""
        if case_id not in self.answers:
            self._check()
            self._take(0.0)
        return self.answers.get(case_id)

    def publish(self, event: CaseClosed) -> None:
        """Publish the reader's decision."""
        self._publisher.publish(event)

    def _take(self, wait_s: float) -> None:
        fresh = 0
        for message in self._verdicts.poll(_MOST_PER_POLL, wait_s):
            event = decode(message.schema, message.value)
            # A repeated answer is the same one (at-least-once); the first is the one of record.
            if isinstance(event, VerdictIssued | CaseRejected):
                fresh += self.answers.setdefault(event.case_id, event) is event
        if fresh:
            self._on_answers(fresh)
