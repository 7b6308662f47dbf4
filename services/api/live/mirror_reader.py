"""Reads the mirror in Redis: what is new, and all that a history begins with."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from redis.backoff import NoBackoff
from redis.retry import Retry

from services.api.live.case_book import undone
from services.api.live.change import Change, change_of
from services.api.live.history import Head, Snapshot
from services.api.live.moments import KEPT
from services.mirror.redis_layout import (
    CASE_FIELDS,
    SHELVES,
    case_of,
    event_of,
    fault_of_layout,
    places_of,
    shelf_of,
)
from services.redis_client import redis_client
from twin.events import ComponentChanged
from twin.state import CaseState, TwinState, shelf_key

AT_ONCE: Final = 500  # records; bounds how long the event loop is busy with them
_TIMEOUT_S: Final = 1.0  # a server on the same network answers in milliseconds: assumption


class MirrorReader:
    """Whatever fails raises `redis.RedisError`; what is damaged `EventError` or `ValueError`.

    Parameters:
        url: of Redis.
        prefix: of the mirror's keys.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._redis: Any = redis_client(
            url,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            # Its own retries would wait for seconds, while a server is back already.
            retry=Retry(NoBackoff(), 0),
        )
        self._prefix = prefix

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    def wait(self, revision: int, block_ms: int) -> None:
        """Wait for something after a revision, no longer than so many milliseconds."""
        self._redis.xread({self._key("changes"): f"{revision}-0"}, count=1, block=block_ms)

    def head(self) -> Head | None:
        """Return what the mirror says of itself; None where none has written yet."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._key("mirror"))
            pipe.hgetall(self._key("attached"))
            return head_of(*pipe.execute())

    def since(self, last: Change | None) -> tuple[Head | None, list[Change] | None]:
        """Return what the mirror says of itself, and the records after one; all of one moment.

        Instead of the records None, if they do not follow that one without a gap: the mirror was
        built anew or went back, or we were away for longer than it remembers.
        """
        revision = last.revision if last is not None else 0
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(self._key("mirror"))
            pipe.hgetall(self._key("attached"))
            pipe.xrange(self._key("changes"), min=f"{revision}-0", count=AT_ONCE + 1)
            mirror, attached, entries = pipe.execute()
        head = head_of(mirror, attached)
        changes = [change_of(*entry) for entry in entries]
        if last is not None:
            # The last one is read again: a revision alone does not tell one past from another.
            if not changes or changes[0] != last:
                return head, None
            del changes[0]
        if changes and changes[0].revision != revision + 1:
            return head, None
        return head, changes

    def snapshot(self) -> Snapshot | None:
        """Return the mirror as of one revision; None if there is none, or it began anew."""
        names = [key.decode() for key in self._redis.scan_iter(self._key("component:*"))]
        with self._redis.pipeline(transaction=True) as pipe:  # all of one revision
            pipe.hgetall(self._key("mirror"))
            pipe.hgetall(self._key("attached"))
            pipe.hgetall(self._key("counts"))
            pipe.hgetall(self._key("position"))
            pipe.xrevrange(self._key("changes"), count=KEPT)
            for shelf in SHELVES:
                pipe.hgetall(self._key(shelf))
            for name in names:
                pipe.hget(name, "event")
            mirror, attached, counts, position, entries, *rest = pipe.execute()
        head = head_of(mirror, attached)
        if head is None:
            return None
        state = TwinState(position=places_of(position))
        state.counts.update({name.decode(): int(count) for name, count in counts.items()})
        for shelf, found in zip(SHELVES, rest[: len(SHELVES)], strict=True):
            kept = getattr(state, shelf)
            kept.update((shelf_key(event), event) for event in shelf_of(found.values()))
        entries.reverse()
        changes = [change_of(*entry) for entry in entries]
        before: dict[str, bytes | None] = {}  # what components had said before those changes
        for change, (_, fields) in zip(changes, entries, strict=True):
            if change.kind == "component":
                before.setdefault(change.id, fields.get(b"before"))
        raws = list(before.values())
        for raw in rest[len(SHELVES) :]:
            event = event_of(ComponentChanged, raw)
            if event is not None and event.component not in before:
                state.components[event.component] = event
        for event in (event_of(ComponentChanged, raw) for raw in raws):
            if event is not None:
                state.components[event.component] = event
        cases = self.cases(begun_before(changes), head.revision)
        again = self.head()
        if again is None or again.generation != head.generation:
            return None
        return Snapshot(head=head, state=state, changes=changes, cases=cases)

    def cases(self, case_ids: Iterable[str], revision: int) -> dict[str, CaseState]:
        """Return cases as they were at a revision that was the latest a moment ago."""
        wanted = list(case_ids)
        if not wanted:
            return {}
        with self._redis.pipeline(transaction=False) as pipe:
            for case_id in wanted:
                pipe.hmget(self._key(f"case:{case_id}"), CASE_FIELDS)
            values = pipe.execute()
        later: dict[str, list[Change]] = {}
        for entry in self._redis.xrange(self._key("changes"), min=f"{revision + 1}-0"):
            change = change_of(*entry)
            if change.kind == "case" and change.changed:
                later.setdefault(change.id, []).append(change)
        found = {}
        for case_id, fields in zip(wanted, values, strict=True):
            now = case_of(fields)
            if now is not None:
                ahead = [one for one in later.get(case_id, ()) if one.case_revision <= now.revision]
                found[case_id] = undone(now, ahead)
        return {case_id: case for case_id, case in found.items() if case is not None}


def begun_before(changes: Sequence[Change]) -> list[str]:
    """Return the cases of which more is known than these records tell."""
    first: dict[str, Change] = {}
    for change in changes:
        if change.kind == "case":
            first.setdefault(change.id, change)
    return [case_id for case_id, one in first.items() if one.case_revision > one.changed]


def head_of(fields: Mapping[bytes, bytes], attached: Mapping[bytes, bytes]) -> Head | None:
    """Return what a mirror says of itself; None where none has written yet.

    Raises:
        ValueError: a field is damaged, or another version laid the mirror out.
    """
    if b"generation" not in fields:
        return None
    if (fault := fault_of_layout(fields)) is not None:
        raise ValueError(fault)
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
