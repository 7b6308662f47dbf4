"""Follows the mirror in Redis from a thread of its own, and hands what is new to the event loop."""

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import redis

from services.api.live.change import Change, change_of
from services.api.live.history import Head, History, Snapshot
from services.api.live.moments import KEPT
from services.logs import Log
from services.mirror.redis_layout import (
    CASE_FIELDS,
    SHELVES,
    case_of,
    event_of,
    places_of,
    shelf_of,
)
from twin.errors import DependencyError, EventError
from twin.events import CaseArrived, ComponentChanged
from twin.state import CaseState, TwinState, shelf_key

BLOCK_MS: Final = 100  # a stream that is silent is left so often, to hear how fresh the mirror is
_AT_ONCE: Final = 500  # records; bounds how long the event loop is busy with them
_TIMEOUT_S: Final = 1.0  # a server on the same network answers in milliseconds: assumption
_RETRY_S: Final = 0.2


class Follower:
    """Reads until it is stopped; whatever fails is told to the history and tried again."""

    def __init__(
        self, url: str, prefix: str, history: History, loop: asyncio.AbstractEventLoop, log: Log
    ) -> None:
        self._redis: Any = redis.Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
        )
        self._prefix = prefix
        self._history = history
        self._loop = loop
        self._log = log.bind(stage="follower")
        self._head: Head | None = None
        self._last = 0  # revision that was handed over
        self._failing = False

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set."""
        while not stop.is_set():
            try:
                self._step()
                self._failing = False
            except (redis.RedisError, DependencyError, OSError) as error:
                self._fail(f"Redis does not answer: {type(error).__name__}", stop, error)
            except (EventError, KeyError, ValueError) as error:
                self._head = None
                self._fail("the mirror holds what this version does not know", stop, error)

    def _fail(self, reason: str, stop: threading.Event, error: Exception) -> None:
        if not self._failing:
            self._log.warning("mirror", reason=reason, error=str(error)[:300])
        self._failing = True
        self._tell(lambda: self._history.fail(reason))
        stop.wait(_RETRY_S)

    def _tell(self, call: Any) -> None:  # noqa: ANN401  a callable
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    def _step(self) -> None:
        if self._head is None:
            self._begin()
            return
        found = self._redis.xread(
            {self._key("changes"): f"{self._last}-0"}, count=_AT_ONCE, block=BLOCK_MS
        )
        changes = [change_of(*entry) for _, entries in found for entry in entries]
        head = self._read_head()
        again = head is None or head.generation != self._head.generation
        if again or (changes and changes[0].revision != self._last + 1):
            self._head = None  # built anew, or we were away for longer than it remembers
            return
        assert head is not None
        if changes:
            self._last = changes[-1].revision
        elif head.revision > self._last:
            # Between the two questions something was folded, or it was dropped already.
            oldest = self._redis.xrange(self._key("changes"), count=1)
            if oldest and change_of(*oldest[0]).revision > self._last + 1:
                self._head = None
                return
        self._tell(lambda: self._history.take(changes, head))

    def _begin(self) -> None:
        head = self._read_head()
        if head is None:
            self._tell(lambda: self._history.fail("no mirror has written yet"))
            time.sleep(_RETRY_S)
            return
        snapshot = self._snapshot()
        if snapshot is None:
            return
        self._head, self._last = snapshot.head, snapshot.head.revision
        self._tell(lambda: self._history.begin(snapshot))

    def _snapshot(self) -> Snapshot | None:
        """Return the mirror as of one revision; None if it began anew meanwhile."""
        names = [key.decode() for key in self._redis.scan_iter(self._key("component:*"))]
        with self._redis.pipeline(transaction=True) as pipe:  # all of one revision
            pipe.hgetall(self._key("mirror"))
            pipe.hgetall(self._key("counts"))
            pipe.hgetall(self._key("position"))
            for shelf in SHELVES:
                pipe.hgetall(self._key(shelf))
            pipe.xrevrange(self._key("changes"), count=KEPT)
            pipe.hgetall(self._key("attached"))
            for name in names:
                pipe.hget(name, "event")
            mirror, counts, position, *rest = pipe.execute()
        head = head_of(mirror, rest[len(SHELVES) + 1])
        if head is None:
            return None
        state = TwinState(position=places_of(position))
        state.counts.update({name.decode(): int(count) for name, count in counts.items()})
        for shelf, found in zip(SHELVES, rest, strict=False):
            kept = getattr(state, shelf)
            kept.update((shelf_key(event), event) for event in shelf_of(found.values()))
        changes = [change_of(*entry) for entry in reversed(rest[len(SHELVES)])]
        # What a component was before the changes that are kept is known of those without any.
        heard = {change.id for change in changes if change.kind == "component"}
        for raw in rest[len(SHELVES) + 2 :]:
            event = event_of(ComponentChanged, raw)
            if event is not None and event.component not in heard:
                state.components[event.component] = event
        return Snapshot(head=head, state=state, changes=changes, cases=self._cases(changes))

    def _cases(self, changes: list[Change]) -> dict[str, CaseState]:
        """Return the cases that these changes are about and that began before them."""
        begun = {change.id for change in changes if isinstance(change.event, CaseArrived)}
        wanted = {c.id: None for c in changes if c.kind == "case" and c.id not in begun}
        found = {}
        for case_id in wanted:
            case = case_of(self._redis.hmget(self._key(f"case:{case_id}"), CASE_FIELDS))
            if case is not None:
                found[case_id] = case
        return found

    def _read_head(self) -> Head | None:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._key("mirror"))
            pipe.hgetall(self._key("attached"))
            return head_of(*pipe.execute())


def head_of(fields: Mapping[bytes, bytes], attached: Mapping[bytes, bytes]) -> Head | None:
    """Return what a mirror says of itself; None where none has written yet.

    Raises:
        ValueError: a field is damaged.
    """
    if b"generation" not in fields:
        return None
    times = {
        name: float(fields[name.encode()]) if name.encode() in fields else None
        for name in ("updated_unix_s", "complete_unix_s")
    }
    return Head(
        generation=fields[b"generation"].decode(),
        revision=int(fields[b"revision"]),
        updated_unix_s=times["updated_unix_s"],
        complete_unix_s=times["complete_unix_s"],
        behind=json.loads(fields.get(b"behind", b"{}")),
        attached=[json.loads(one) for one in attached.values()],
    )
