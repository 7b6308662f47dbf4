"""Follows the mirror in Redis from a thread of its own, and hands what is new to the event loop."""

import asyncio
import threading
from dataclasses import replace
from typing import Any, Final

import redis

from services.api.live.change import Change
from services.api.live.history import Head, History
from services.api.live.mirror_reader import MirrorReader, begun_before
from services.logs import Log
from twin.errors import DependencyError, EventError

BLOCK_MS: Final = 100  # a stream that is silent is left so often, to hear how fresh the mirror is
_RETRY_S: Final = 0.2


class Follower:
    """Reads until it is stopped; whatever fails is told to the history and tried again."""

    def __init__(
        self, url: str, prefix: str, history: History, loop: asyncio.AbstractEventLoop, log: Log
    ) -> None:
        self._reader = MirrorReader(url, prefix)
        self._history = history
        self._loop = loop
        self._log = log.bind(stage="follower")
        self._head: Head | None = None  # that was handed over; None: begin anew
        self._last: Change | None = None  # that was handed over
        self._failing = False

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set."""
        while not stop.is_set():
            try:
                self.step(stop)
                self._failing = False
            except (redis.RedisError, DependencyError, OSError) as error:
                self._fail(f"Redis does not answer: {type(error).__name__}", stop, error)
            except (EventError, KeyError, ValueError) as error:
                self._head = None
                self._fail("the mirror holds what this version does not know", stop, error)
        self._reader.close()

    def step(self, stop: threading.Event) -> None:
        """Hand over what is new, or begin anew."""
        if self._head is None:
            self._begin(stop)
            return
        self._reader.wait(self._last.revision if self._last else 0, BLOCK_MS)
        head, changes = self._reader.since(self._last)
        if head is None or head.generation != self._head.generation or changes is None:
            self._head = None
            return
        if changes:
            self._last = changes[-1]
        if self._last is not None and head.revision > self._last.revision:
            # More is folded than was read at once: it is not in our state yet.
            head = replace(head, complete_unix_s=self._head.complete_unix_s)
        self._head = head
        known = self._history.book.cases
        older = [case_id for case_id in begun_before(changes) if case_id not in known]
        cases = self._reader.cases(older, changes[-1].revision) if older else {}
        self._tell(lambda: self._history.take(changes, head, cases))

    def _begin(self, stop: threading.Event) -> None:
        snapshot = self._reader.snapshot()
        if snapshot is None:
            self._tell(lambda: self._history.fail("no mirror has written yet"))
            stop.wait(_RETRY_S)
            return
        self._head = snapshot.head
        self._last = snapshot.changes[-1] if snapshot.changes else None
        # Here and not in the event loop, which would answer nobody for seconds.
        built = History.of(snapshot)
        self._tell(lambda: self._history.begin(snapshot, built))

    def _fail(self, reason: str, stop: threading.Event, error: Exception) -> None:
        if not self._failing:
            self._log.warning("mirror", reason=reason, error=str(error)[:300])
        self._failing = True
        self._tell(lambda: self._history.fail(reason))
        stop.wait(_RETRY_S)

    def _tell(self, call: Any) -> None:  # noqa: ANN401  a callable
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)
