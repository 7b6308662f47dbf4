"""The engine's way to the twin that is up: over its live log, under a tag."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.attach.tags import Tags
from services.bus.port import Message, Place, Subscriber
from services.kafka_link import KafkaLink
from twin.errors import DependencyError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    EpochReached,
    FeedbackReceived,
    StackEvent,
    VerdictIssued,
)

# A twin that is up may still be starting its components, or score somebody else's thousands of
# cases first; who has not answered by then never will: assumption.
PATIENCE_S: Final = 300.0


class OwnMessages:
    """A subscriber that passes over what is about others' cases."""

    def __init__(self, subscriber: Subscriber, begins: str) -> None:
        self._subscriber = subscriber
        self._begins = begins

    def poll(self, max_messages: int, timeout_s: float) -> list[Message]:
        """Return those of the next messages whose key begins as ours do."""
        found = self._subscriber.poll(max_messages, timeout_s)
        return [one for one in found if (one.key or "").startswith(self._begins)]

    def commit(self, upto: Mapping[Place, int]) -> None:
        """See `services.bus.port.Subscriber`."""
        self._subscriber.commit(upto)

    def committed(self) -> dict[Place, int]:
        """See `services.bus.port.Subscriber`."""
        return self._subscriber.committed()

    def seek(self, upto: Mapping[Place, int]) -> None:
        """See `services.bus.port.Subscriber`."""
        self._subscriber.seek(upto)

    def lag(self) -> dict[Place, int]:
        """See `services.bus.port.Subscriber`."""
        return self._subscriber.lag()

    def close(self) -> None:
        """See `services.bus.port.Subscriber`."""
        self._subscriber.close()


class AttachedLink:
    """Publishes a run's cases under its tag, and gives it the answers under its own ids and times.

    Parameters:
        kafka: the link to the live log; its subscriber of verdicts brings those of this run alone.
        tags: of this run.
        on_closed: is told of each patient who has left.
        look: called as something is sent; what the link calls while it waits, it calls itself.
    """

    def __init__(
        self,
        kafka: KafkaLink,
        tags: Tags,
        on_closed: Callable[[], None],
        look: Callable[[], None],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._kafka = kafka
        self._tags = tags
        self._on_closed = on_closed
        self._look = look
        self._patience_s = patience_s
        self._at_min: dict[str, float] = {}  # event time of each case in the run
        self.answers: dict[str, VerdictIssued | CaseRejected] = {}

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        """Publish cases."""
        self._look()
        self._at_min.update((case.case_id, case.at_min) for case in cases)
        self._kafka.submit([self._tags.put(case) for case in cases])

    def answer(self, case_id: str) -> VerdictIssued | CaseRejected:
        """Wait for a case's answer.

        Raises:
            DependencyError: it does not come.
        """
        deadline_s = time.monotonic() + self._patience_s
        while (found := self.poll(case_id, self._kafka.wait)) is None:
            if time.monotonic() > deadline_s:
                reason = f"has not answered case {self._tags.begins}{case_id}"
                raise DependencyError(f"the twin that is up {reason} for {self._patience_s:g} s")
        return found

    def poll(
        self,
        case_id: str,
        look: Callable[[str], VerdictIssued | CaseRejected | None] | None = None,
    ) -> VerdictIssued | CaseRejected | None:
        """Return a case's answer if it has come."""
        if case_id not in self.answers:
            raw = (look or self._kafka.poll)(self._tags.begins + case_id)
            if raw is None:
                return None
            taken = self._tags.take(raw, self._at_min[case_id])
            assert isinstance(taken, VerdictIssued | CaseRejected)
            self.answers[case_id] = taken
        return self.answers[case_id]

    def publish(self, event: CaseClosed | FeedbackReceived) -> None:
        """Publish that a case is closed, or what a clinic says it was."""
        self._kafka.publish(self._tags.put(event))
        if isinstance(event, CaseClosed):
            self._on_closed()
        self._look()

    def epoch(self, event: EpochReached) -> list[StackEvent]:
        """Publish an epoch and wait for what is decided; the run began with the log, at 0 min."""
        assert self._tags.offset_min == 0  # or the run would have been refused
        return self._kafka.epoch(event)
