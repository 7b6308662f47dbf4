"""The mirror in Redis: the state of the twin for readers that were not there (law 2).

Which keys there are, and what they hold: `services/mirror/redis_layout.py`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from services.bus.port import Place
from services.mirror.changes import Before, change_fields
from services.mirror.continuity import Continuity
from services.mirror.freshness import Freshness
from services.mirror.overview import Overview
from services.mirror.redis_layout import (
    COMPLETE,
    GENERATION,
    LATEST,
    UNIX_S,
    UPDATED,
    Fields,
    case_fields,
    component_fields,
    event_of,
    fault_of_layout,
    fresh_fields,
    is_of_later_version,
    kind_of,
    label_fields,
    place_fields,
    places_of,
    stack_fields,
    times_of,
    touched,
)
from services.mirror.redis_reading import load_state
from services.redis_client import redis_client
from services.wall_clock import unix_s
from twin.errors import DependencyError, EventError, SettingsError
from twin.events import ComponentChanged, StackEvent, StackPromoted
from twin.log import line
from twin.state import SHELF_OF, CaseState, Dispute, Record, TwinState, shelf_key

CASE_TTL_S: Final = 90 * 24 * 3600  # labels come within a quarter of a year: assumption
# The history that can be asked for, and what a stream of changes can be resumed from: of a log with
# twenty cases a second, a quarter of an hour; about 60 MB. Assumption.
CHANGES_KEPT: Final = 50_000
_TIMEOUT_S: Final = 5.0  # a server on the same network answers in milliseconds: assumption
_SCAN_COUNT: Final = 1000


class RedisMirror:
    """Folds batches of records into Redis; see `services.mirror.port.StateMirror`.

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
        clock: Callable[[], float] = unix_s,
        ttl_s: int = CASE_TTL_S,
    ) -> None:
        shown = re.sub(r"//[^/]*@", "//***@", url)  # it may hold a password
        self._shown = f"Redis {shown}"
        self._prefix = prefix
        self._clock = clock
        self._ttl_s = ttl_s
        self.disputes: Sequence[Dispute] = ()
        self._continuity = Continuity(self._key("mirror"), self._shown)
        try:
            # Its annotations cannot tell bytes from text, nor a reply from an awaitable one.
            self._redis: Any = redis_client(
                url,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),  # trying again is the loop's business
            )
        except ValueError as error:
            raise SettingsError("REDIS_URL", shown, str(error)) from error

    def apply(self, records: Sequence[Record], fresh: Freshness | None = None) -> int:
        """Fold a batch in as one transaction; return how many records changed something.

        The fold itself is `TwinState.apply` on the part of the state that the batch touches. The
        position is watched from before anything is read, so a second mirror on the same prefix
        makes one of the two fail instead of overwriting each other.

        Raises:
            DependencyError: Redis failed, lost what it had, or another mirror was at work; nothing
                was written, or all of it, and then applying the batch again changes nothing.
        """
        case_ids, shelves, spoken = touched(records)
        now_unix_s = self._clock()
        with self._asking(), self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(self._key("position"))
            revision, latest_min, begun = self._continuity.begun(pipe)
            changes = 0
            disputes: list[Dispute] = []
            if records:
                state = self._load(sorted(case_ids), shelves, spoken)
                # Of a batch that is applied again, what was folded is known and has its revision.
                asked, records = records, [one for one in records if not state.knows(one)]
                pipe.multi()
                changes = self._write(pipe, state, records, revision, latest_min, now_unix_s)
                disputes = [one for one in map(state.dispute, asked) if one is not None]
            else:
                pipe.multi()
            told: Fields = {
                f"{UPDATED}{UNIX_S}": repr(now_unix_s),
                "revision": revision + len(records),
            }
            pipe.hset(self._key("mirror"), mapping=begun | fresh_fields(fresh) | told)
            pipe.execute()
            self._continuity.wrote(revision + len(records))
            self.disputes = disputes
        return changes

    def arrived(self, case_ids: Collection[str]) -> set[str]:
        """Return those of some cases that have arrived.

        Raises:
            DependencyError: Redis failed.
        """
        with self._asking(), self._redis.pipeline(transaction=False) as pipe:
            for case_id in case_ids:
                pipe.hexists(self._key("case", case_id), "arrived")
            return {one for one, there in zip(case_ids, pipe.execute(), strict=True) if there}

    def position(self) -> dict[Place, int]:
        """Return the last offset folded, per partition."""
        with self._asking(), self._redis.pipeline(transaction=True) as pipe:
            pipe.hget(self._key("mirror"), GENERATION)
            pipe.hgetall(self._key("position"))
            generation, position = pipe.execute()
            self._continuity.seen(generation)
            return places_of(position)

    def stale(self) -> str | None:
        """Return in words why what is there must be made again: an earlier version wrote it.

        Raises:
            DependencyError: a later version wrote it.
        """
        with self._asking():
            found = self._redis.hgetall(self._key("mirror"))
        fault = fault_of_layout(found)
        if fault is not None and is_of_later_version(found):
            raise DependencyError(self._of_another_version(fault))
        return fault and f"the mirror under {self._prefix} at {self._shown}: {fault}"

    def read_back(self) -> TwinState:
        """Return the whole state as Redis has it.

        Raises:
            DependencyError: Redis failed, or the mirror has the layout of another version.
        """
        start = len(self._key("case", ""))
        with self._asking():
            self._ensure_layout()
            case_ids = [key[start:].decode() for key in self._scan("case", "")]
            state = self._load(case_ids)
            state.components = self._components()
        return state

    def read_part(self, case_ids: Sequence[str]) -> TwinState:
        """Return the state with some cases, all of it of one moment."""
        with self._asking():
            start = len(self._key("component", ""))
            spoken = [key[start:].decode() for key in self._scan("component", "")]
            return load_state(self._redis, self._key, case_ids, None, spoken, of_one_moment=True)

    def overview(self) -> Overview:
        """Return what a status needs, without the cases.

        Raises:
            DependencyError: Redis failed, or the mirror has the layout of another version.
        """
        with self._asking():
            self._ensure_layout()
            state = self._load([])
            state.components = self._components()
            times = times_of(self._redis.hgetall(self._key("mirror")))
        updated, complete = times.pop(UPDATED, None), times.pop(COMPLETE, None)
        return Overview(state, updated, times, complete)

    def _components(self) -> dict[str, ComponentChanged]:
        start = len(self._key("component", ""))
        found = {
            key[start:].decode(): event_of(ComponentChanged, self._redis.hget(key, "event"))
            for key in self._scan("component", "")
        }
        return {name: event for name, event in found.items() if event is not None}

    def wipe(self) -> None:
        """Delete every key under the prefix but uploads: the log has them by reference alone."""
        self._continuity.forget()
        uploads = self._key("blob", "").encode()
        with self._asking():
            keys = [key for key in self._scan("") if not key.startswith(uploads)]
            for first in range(0, len(keys), _SCAN_COUNT):
                self._redis.delete(*keys[first : first + _SCAN_COUNT])

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _ensure_layout(self) -> None:
        fault = fault_of_layout(self._redis.hgetall(self._key("mirror")))
        if fault is not None:
            raise DependencyError(self._of_another_version(fault))

    def _of_another_version(self, fault: str) -> str:
        return (
            f"{self._shown}: the mirror under {self._prefix}: {fault}. Use the version that wrote "
            "it, or make it again from the log with `dermtwin rebuild`"
        )

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
        pattern = pattern_of(self._key(*parts)) + "*"
        keys: Iterator[bytes] = self._redis.scan_iter(pattern, count=_SCAN_COUNT)
        return iter(set(keys))  # a scan may name a key twice

    def _load(
        self,
        case_ids: Sequence[str],
        shelves: Mapping[str, Sequence[int | str]] | None = None,
        spoken: Sequence[str] = (),
    ) -> TwinState:
        """Return the state with these cases and components.

        Parameters:
            spoken: components that are wanted.
            shelves: keys of the events of `stacks` that are wanted, by shelf; None for all.
        """
        return load_state(self._redis, self._key, case_ids, shelves, spoken)

    def _write(
        self,
        pipe: Pipeline,
        state: TwinState,
        records: Sequence[Record],
        revision: int,
        latest_min: float,
        now_unix_s: float,
    ) -> int:
        """Fold the records into the state and queue what that changes; return how many did."""
        hashes: dict[str, Fields] = {}
        renewed: dict[str, CaseState] = {}  # cases that changed, by key
        news: set[str] = set()
        changes = 0
        for number, record in enumerate(records, start=revision + 1):
            event = record.event
            said = event.component if isinstance(event, ComponentChanged) else ""
            before = Before(
                counts=dict(state.counts),
                latest_min=latest_min,
                component=state.components.get(said),
            )
            changed = state.apply(record)
            entry = change_fields(state, record, before, changed=changed, now_unix_s=now_unix_s)
            # Its id is the revision: a reader knows whether it has missed one.
            key = self._key("changes")
            pipe.xadd(key, entry, id=f"{number}-0", maxlen=CHANGES_KEPT)
            if not changed or event is None:
                continue
            changes += 1
            news.add(kind_of(event))
            if not isinstance(event, ComponentChanged):
                latest_min = max(latest_min, event.at_min)
            if isinstance(event, ComponentChanged):
                hashes[self._key("component", event.component)] = component_fields(event)
            elif isinstance(event, StackEvent):
                shelf = hashes.setdefault(self._key(SHELF_OF[type(event)]), {})
                shelf[str(shelf_key(event))] = line(event)
                if isinstance(event, StackPromoted):
                    hashes[self._key("stack")] = stack_fields(event)
            else:
                case, key = state.cases[event.case_id], self._key("case", event.case_id)
                hashes[key] = hashes.get(key, {}) | case_fields(event, case)
                renewed[key] = case
        for key, case in renewed.items():
            hashes[key] |= label_fields(case)
        for key, fields in hashes.items():
            pipe.hset(key, mapping=fields)
        for key in renewed:
            pipe.expire(key, self._ttl_s)
        pipe.hset(self._key("counts"), mapping=dict(state.counts.items()))
        pipe.hset(self._key("position"), mapping=place_fields(state.position))
        if news:
            times: Fields = {f"{one}{UNIX_S}": repr(now_unix_s) for one in news}
            pipe.hset(self._key("mirror"), mapping=times | {LATEST: repr(latest_min)})
        return changes


def pattern_of(key: str) -> str:
    """Return the pattern that a key alone matches.

    >>> pattern_of("p*")
    'p\\\\*'
    """
    return re.sub(r"([*?\[\]\\])", r"\\\1", key)
