"""The mirror in Redis: the state of the twin for readers that were not there (law 2).

Which keys there are, and what they hold: `services/mirror/redis_layout.py`.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from services.bus.port import Place
from services.mirror.overview import Overview
from services.mirror.redis_layout import (
    CASE_FIELDS,
    SHELVES,
    UNIX_S,
    UPDATED,
    Fields,
    case_fields,
    case_of,
    component_fields,
    event_of,
    kind_of,
    label_fields,
    place_fields,
    places_of,
    shelf_of,
    stack_entry,
    stack_fields,
    times_of,
    touched,
)
from twin.errors import DependencyError, EventError, SettingsError
from twin.events import ComponentChanged, StackEvent, StackPromoted
from twin.log import SCHEMA_OF, line
from twin.state import SHELF_OF, CaseState, Record, TwinState, shelf_key

CASE_TTL_S: Final = 90 * 24 * 3600  # labels come within a quarter of a year: assumption
CHANGES_KEPT: Final = 10_000  # enough to resume a page that was away for minutes: assumption
_TIMEOUT_S: Final = 5.0  # a server on the same network answers in milliseconds: assumption
_SCAN_COUNT: Final = 1000


class RedisMirror:
    """Folds batches of records into Redis; see `services.mirror.loop.StateMirror`.

    Parameters:
        url: `redis://host:port/db`.
        prefix: of all keys.
        clock: gives the Unix time in seconds for `updated_unix_s`.
        ttl_s: how long a case is kept after its last change.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        *,
        clock: Callable[[], float] = time.time,
        ttl_s: int = CASE_TTL_S,
    ) -> None:
        shown = re.sub(r"//[^/]*@", "//***@", url)  # it may hold a password
        self._shown = f"Redis {shown}"
        self._prefix = prefix
        self._clock = clock
        self._ttl_s = ttl_s
        try:
            # Its annotations cannot tell bytes from text, nor a reply from an awaitable one.
            self._redis: Any = redis.Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),  # trying again is the loop's business
            )
        except ValueError as error:
            raise SettingsError("REDIS_URL", shown, str(error)) from error

    def apply(self, records: Sequence[Record]) -> int:
        """Fold a batch in as one transaction; return how many records changed something.

        The fold itself is `TwinState.apply` on the part of the state that the batch touches. The
        position is watched from before anything is read, so a second mirror on the same prefix
        makes one of the two fail instead of overwriting each other.

        Raises:
            DependencyError: Redis failed or another mirror was at work; nothing was written, or
                all of it, and then applying the batch again changes nothing.
        """
        if not records:
            with self._asking():
                self._redis.hset(self._key("mirror"), mapping=self._updated())
            return 0
        case_ids, shelves = touched(records)
        with self._asking(), self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(self._key("position"))
            state = self._load(sorted(case_ids), shelves)
            pipe.multi()
            changes = self._write(pipe, state, records)
            pipe.execute()
        return changes

    def position(self) -> dict[Place, int]:
        """Return the last offset folded, per partition."""
        with self._asking():
            return places_of(self._redis.hgetall(self._key("position")))

    def read_back(self) -> TwinState:
        """Return the whole state as Redis has it."""
        start = len(self._key("case", ""))
        with self._asking():
            case_ids = [key[start:].decode() for key in self._scan("case", "")]
            state = self._load(case_ids)
            state.components = self._components()
        return state

    def overview(self) -> Overview:
        """Return what a status needs, without the cases."""
        with self._asking():
            state = self._load([])
            state.components = self._components()
            times = times_of(self._redis.hgetall(self._key("mirror")))
        return Overview(state, times.pop(UPDATED, None), times)

    def _components(self) -> dict[str, ComponentChanged]:
        start = len(self._key("component", ""))
        found = {
            key[start:].decode(): event_of(ComponentChanged, self._redis.hget(key, "event"))
            for key in self._scan("component", "")
        }
        return {name: event for name, event in found.items() if event is not None}

    def wipe(self) -> None:
        """Delete every key under the prefix."""
        with self._asking():
            keys = list(self._scan(""))
            for first in range(0, len(keys), _SCAN_COUNT):
                self._redis.delete(*keys[first : first + _SCAN_COUNT])

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except redis.WatchError as error:
            raise DependencyError(
                f"{self._shown}: another mirror writes under {self._prefix}"
            ) from error
        except redis.RedisError as error:
            raise DependencyError(f"{self._shown}: {error}") from error
        except EventError as error:
            raise DependencyError(f"{self._shown} under {self._prefix}: {error}") from error

    def _scan(self, *parts: str) -> Iterator[bytes]:
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", self._key(*parts)) + "*"
        keys: Iterator[bytes] = self._redis.scan_iter(pattern, count=_SCAN_COUNT)
        return iter(set(keys))  # a scan may name a key twice

    def _load(
        self, case_ids: Sequence[str], shelves: Mapping[str, Sequence[int | str]] | None = None
    ) -> TwinState:
        """Return the state with these cases and no components.

        Parameters:
            shelves: keys of the events of `stacks` that are wanted, by shelf; None for all.
        """
        wanted = dict.fromkeys(SHELVES, ()) if shelves is None else shelves
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._key("counts"))
            pipe.hgetall(self._key("position"))
            for name, keys in wanted.items():
                if shelves is None:
                    pipe.hgetall(self._key(name))
                else:
                    pipe.hmget(self._key(name), keys)
            for case_id in case_ids:
                pipe.hmget(self._key("case", case_id), CASE_FIELDS)
            counts, position, *rest = pipe.execute()
        state = TwinState(position=places_of(position))
        state.counts.update({name.decode(): int(count) for name, count in counts.items()})
        for name, found in zip(wanted, rest[: len(wanted)], strict=True):
            lines = found.values() if shelves is None else found
            shelf = getattr(state, name)
            shelf.update((shelf_key(event), event) for event in shelf_of(lines))
        for case_id, values in zip(case_ids, rest[len(wanted) :], strict=True):
            case = case_of(values)
            if case is not None:
                state.cases[case_id] = case
        return state

    def _write(self, pipe: Pipeline, state: TwinState, records: Sequence[Record]) -> int:
        """Fold the records into the state and queue what that changes; return how many did."""
        hashes: dict[str, Fields] = {}
        renewed: dict[str, CaseState] = {}  # cases that changed, by key
        news: set[str] = set()
        changes = 0
        for record in records:
            if not state.apply(record) or record.event is None:
                continue
            event, changes = record.event, changes + 1
            news.add(kind_of(event))
            entry: Fields
            if isinstance(event, ComponentChanged):
                hashes[self._key("component", event.component)] = component_fields(event)
                entry = {"kind": "component", "id": event.component, "stage": event.state}
            elif isinstance(event, StackEvent):
                shelf = hashes.setdefault(self._key(SHELF_OF[type(event)]), {})
                shelf[str(shelf_key(event))] = line(event)
                if isinstance(event, StackPromoted):
                    hashes[self._key("stack")] = stack_fields(event)
                entry = stack_entry(event)
            else:
                case, key = state.cases[event.case_id], self._key("case", event.case_id)
                hashes[key] = hashes.get(key, {}) | case_fields(event, case)
                renewed[key] = case
                entry = {
                    "kind": "case",
                    "id": event.case_id,
                    "revision": case.revision,
                    "stage": case.stage.value,
                }
            entry["schema"] = SCHEMA_OF[type(event)]
            pipe.xadd(self._key("changes"), entry, maxlen=CHANGES_KEPT)
        for key, case in renewed.items():
            hashes[key] |= label_fields(case)
        for key, fields in hashes.items():
            pipe.hset(key, mapping=fields)
        for key in renewed:
            pipe.expire(key, self._ttl_s)
        pipe.hset(self._key("counts"), mapping=dict(state.counts.items()))
        pipe.hset(self._key("position"), mapping=place_fields(state.position))
        pipe.hset(self._key("mirror"), mapping=self._updated(*sorted(news)))
        return changes

    def _updated(self, *news: str) -> Fields:
        now = repr(self._clock())
        return {f"{kind}{UNIX_S}": now for kind in (UPDATED, *news)}
