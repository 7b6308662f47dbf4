"""Tells the log: one publisher, made when it is first needed and made anew after a failure."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from services.api.problems import ProblemError
from services.bus.port import Publisher
from twin.errors import DependencyError
from twin.events import Event

_PATIENCE_S: Final = 5.0  # for an acknowledgement: whoever asked is waiting. An assumption
_MOST_WAITING: Final = 100  # assumption: an acknowledgement takes some milliseconds
_REST_S: Final = 1.0  # after a failure: who waits is told at once, not after the next time-out
_RETRY_AFTER_S: Final = 5


class Teller:
    """Publishes events one by one, each acknowledged before the next.

    Parameters:
        connect: makes a publisher; it may block.
        clock: in seconds; for tests.
    """

    def __init__(
        self, connect: Callable[[], Publisher], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._publisher: Publisher | None = None
        # A flush takes over the failures of other threads' messages: so one at a time.
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._failed_s: float | None = None

    @classmethod
    def of(cls, kafka: str, prefix: str) -> "Teller":
        """Return a teller of a twin's log on Kafka."""

        def connect() -> Publisher:
            from services.bus.kafka_publisher import KafkaPublisher

            return KafkaPublisher(kafka, prefix, _PATIENCE_S)

        return cls(connect)

    async def tell(self, event: Event) -> None:
        """Publish an event; it is on the log when this returns.

        Raises:
            ProblemError: 503. It may be on the log all the same, if the broker fell silent after
                it had taken it: so tell the very same event again.
        """
        if self._waiting >= _MOST_WAITING:
            raise _away("too many are telling the twin something")
        self._waiting += 1
        try:
            async with self._turn:
                await asyncio.to_thread(self._tell, event)
        except DependencyError as cause:
            raise _away("the twin's log does not answer") from cause
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let go of the broker."""
        self._drop()

    def _tell(self, event: Event) -> None:
        if self._failed_s is not None and self._clock() - self._failed_s < _REST_S:
            raise DependencyError("the log did not answer a moment ago")
        try:
            if self._publisher is None:
                self._publisher = self._connect()
            self._publisher.publish(event)
            self._publisher.flush()
        except DependencyError:
            self._failed_s = self._clock()
            self._drop()
            raise
        self._failed_s = None

    def _drop(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            try:
                publisher.close()
            except DependencyError:
                return  # nothing of it is needed any more


def _away(reason: str) -> ProblemError:
    again = "send it again, with the same Idempotency-Key if it had one"
    return ProblemError(503, f"{reason}: {again}", headers={"Retry-After": str(_RETRY_AFTER_S)})
