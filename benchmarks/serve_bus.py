"""A Ray Serve application in the place of a twin's log, so that the same load can be put on it.

What is published is asked of the application; what it answers is what a subscriber reads. Nothing
is written down in between, and nothing is encoded: that much less work than over a log.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from services.bus.port import Message, Place
from twin.errors import DependencyError
from twin.events import CaseArrived, Event, VerdictIssued
from twin.log import SCHEMA_OF


class ServeBus:
    """Implements `Publisher` and `Subscriber` of `services.bus.port`, as far as a load needs them.

    Parameters:
        bring_up: makes the application and returns its handle; it runs on the loop's own thread,
            as Serve wants handles used where they were made.
    """

    def __init__(self, bring_up: Callable[[], Any]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._answers: deque[Message] = deque()
        self._came = threading.Event()
        self._failed: BaseException | None = None
        self._asked: set[asyncio.Task[None]] = set()
        self._handle = self._on_loop(_called(bring_up))

    def publish(self, event: Event) -> None:
        """Ask for a case's answer, and wait for nothing."""
        assert isinstance(event, CaseArrived)
        self._loop.call_soon_threadsafe(self._ask, event)

    def publish_raw(
        self, topic: str, key: str | None, schema: str, value: bytes, headers: Mapping[str, str]
    ) -> None:
        """Refuse: a load of cases sends none."""
        raise NotImplementedError

    def flush(self) -> None:
        """Raise what has gone wrong."""
        if self._failed is not None:
            raise DependencyError(f"Ray Serve did not answer: {self._failed}") from self._failed

    def poll(self, max_messages: int, timeout_s: float) -> list[Message]:
        """Return the answers that have come; waits for the first no longer than `timeout_s`."""
        self.flush()
        if not self._answers:
            self._came.wait(timeout_s)
        self._came.clear()
        found = []
        while self._answers and len(found) < max_messages:
            found.append(self._answers.popleft())
        return found

    def commit(self, upto: Mapping[Place, int]) -> None:
        """Do nothing: there is no log."""

    def seek(self, upto: Mapping[Place, int]) -> None:
        """Refuse: there is no log."""
        raise NotImplementedError

    def lag(self) -> dict[Place, int]:
        """Refuse: there is no log."""
        raise NotImplementedError

    def close(self) -> None:
        """End the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _on_loop(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    def _ask(self, event: CaseArrived) -> None:
        task = self._loop.create_task(self._answered(event))
        self._asked.add(task)  # the loop itself keeps no hold of it
        task.add_done_callback(self._asked.discard)

    async def _answered(self, event: CaseArrived) -> None:
        try:
            await self._handle.remote(event.image)
        except Exception as error:  # noqa: BLE001 - Serve raises whatever its replicas did
            self._failed = error
            return
        self._answers.append(
            Message(
                topic="verdicts",
                partition=0,
                offset=0,
                key=event.case_id,
                schema=SCHEMA_OF[VerdictIssued],
                value=b"",
            )
        )
        self._came.set()


async def _called(bring_up: Callable[[], Any]) -> Any:
    return bring_up()
