"""The mirror in Redis: the state of the twin for readers that were not there (law 2).

Keys, all under the prefix (`p`):

    p:case:{case_id}    hash  revision, stage; arrived, answer, closed (events as JSON;
                              answer_schema says which kind of answer); image, p_malignant,
                              malignant, rejected, referred: the same facts, flat; expires
    p:component:{name}  hash  state, restarts, model_id, reason, at_unix_s; event (JSON)
    p:counts            hash  how many cases, verdicts, ...; see `twin.state.COUNTED`
    p:position          hash  last offset folded, by topic/partition
    p:changes           stream, capped  kind, id, revision, stage, schema; one entry a change
    p:mirror            hash  updated_unix_s
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry
from redis.typing import EncodableT, FieldT

from services.bus.codec import decode
from services.bus.port import Place
from twin.errors import DependencyError, EventError, SettingsError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
    CaseRejected,
    ComponentChanged,
    VerdictIssued,
)
from twin.log import SCHEMA_OF, encode
from twin.state import CaseState, Record, TwinState

CASE_TTL_S: Final = 7 * 24 * 3600  # a week of cases is what a status page looks at: assumption
CHANGES_KEPT: Final = 10_000  # enough to resume a page that was away for minutes: assumption
_TIMEOUT_S: Final = 5.0  # a server on the same network answers in milliseconds: assumption
_SCAN_COUNT: Final = 1000
_CASE_FIELDS: Final = ("revision", "arrived", "answer", "answer_schema", "closed")
_ANSWERS: Final[dict[bytes, type[VerdictIssued] | type[CaseRejected]]] = {
    SCHEMA_OF[VerdictIssued].encode(): VerdictIssued,
    SCHEMA_OF[CaseRejected].encode(): CaseRejected,
}

Known = TypeVar("Known", CaseArrived, CaseClosed, VerdictIssued | CaseRejected, ComponentChanged)

Fields = dict[FieldT, EncodableT]


@dataclass(frozen=True, slots=True)
class Overview:
    """The mirror at a glance."""

    state: TwinState  # without cases
    updated_unix_s: float | None  # when the mirror last wrote; None if it never did


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
        events = [record.event for record in records]
        case_ids = {e.case_id for e in events if e and not isinstance(e, ComponentChanged)}
        with self._asking(), self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(self._key("position"))
            state = self._load(sorted(case_ids))
            pipe.multi()
            changes = self._write(pipe, state, records)
            pipe.execute()
        return changes

    def position(self) -> dict[Place, int]:
        """Return the last offset folded, per partition."""
        with self._asking():
            return _places(self._redis.hgetall(self._key("position")))

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
            updated = self._redis.hget(self._key("mirror"), "updated_unix_s")
        return Overview(state, None if updated is None else float(updated))

    def _components(self) -> dict[str, ComponentChanged]:
        start = len(self._key("component", ""))
        found = {
            key[start:].decode(): self._event(ComponentChanged, self._redis.hget(key, "event"))
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

    def _scan(self, *parts: str) -> Iterator[bytes]:
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", self._key(*parts)) + "*"
        keys: Iterator[bytes] = self._redis.scan_iter(pattern, count=_SCAN_COUNT)
        return iter(set(keys))  # a scan may name a key twice

    def _load(self, case_ids: Sequence[str]) -> TwinState:
        """Return the state with these cases and no components."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._key("counts"))
            pipe.hgetall(self._key("position"))
            for case_id in case_ids:
                pipe.hmget(self._key("case", case_id), _CASE_FIELDS)
            counts, position, *cases = pipe.execute()
        state = TwinState(position=_places(position))
        state.counts.update({name.decode(): int(count) for name, count in counts.items()})
        for case_id, (revision, arrived, answer, answer_schema, closed) in zip(
            case_ids, cases, strict=True
        ):
            if revision is not None:
                state.cases[case_id] = CaseState(
                    revision=int(revision),
                    arrived=self._event(CaseArrived, arrived),
                    answer=self._event(_ANSWERS.get(answer_schema, VerdictIssued), answer),
                    closed=self._event(CaseClosed, closed),
                )
        return state

    def _event(self, kind: type[Known], raw: bytes | None) -> Known | None:
        if raw is None:
            return None
        try:
            return cast(Known, decode(SCHEMA_OF[kind], raw))  # the schema decides the type
        except EventError as error:
            raise DependencyError(f"{self._shown} under {self._prefix}: {error}") from error

    def _write(self, pipe: Pipeline, state: TwinState, records: Sequence[Record]) -> int:
        """Fold the records into the state and queue what that changes; return how many did."""
        hashes: dict[str, Fields] = {}
        touched: dict[str, None] = {}  # cases to renew the expiry of, in order
        changes = 0
        for record in records:
            if not state.apply(record) or record.event is None:
                continue
            event, changes = record.event, changes + 1
            schema = SCHEMA_OF[type(event)]
            if isinstance(event, ComponentChanged):
                hashes[self._key("component", event.component)] = _component_fields(event)
                entry: Fields = {"kind": "component", "id": event.component, "stage": event.state}
            else:
                case, key = state.cases[event.case_id], self._key("case", event.case_id)
                about: Fields = {"revision": case.revision, "stage": case.stage.value}
                hashes[key] = hashes.get(key, {}) | _case_fields(event) | about
                touched[key] = None
                entry = {"kind": "case", "id": event.case_id, **about}
            pipe.xadd(self._key("changes"), {**entry, "schema": schema}, maxlen=CHANGES_KEPT)
        for key, fields in hashes.items():
            pipe.hset(key, mapping=fields)
        for key in touched:
            pipe.expire(key, self._ttl_s)
        pipe.hset(self._key("counts"), mapping=dict(state.counts.items()))
        pipe.hset(self._key("position"), mapping=_place_fields(state.position))
        pipe.hset(self._key("mirror"), mapping=self._updated())
        return changes

    def _updated(self) -> Fields:
        return {"updated_unix_s": repr(self._clock())}


def _case_fields(event: CaseEvent) -> Fields:
    raw = encode(event)
    match event:
        case CaseArrived():
            return {"arrived": raw, "image": CaseState(arrived=event).image}
        case CaseClosed():
            return {"closed": raw, "referred": int(event.referred)}
        case CaseRejected():
            return {
                "answer": raw,
                "answer_schema": SCHEMA_OF[CaseRejected],
                "rejected": event.reason,
            }
        case _:
            return {
                "answer": raw,
                "answer_schema": SCHEMA_OF[type(event)],
                "p_malignant": repr(event.p_malignant),
                "malignant": int(event.malignant),
            }


def _component_fields(event: ComponentChanged) -> Fields:
    return {
        "state": event.state,
        "restarts": event.restarts,
        "model_id": event.model_id,
        "reason": event.reason,
        "at_unix_s": repr(event.at_unix_s),
        "event": encode(event),
    }


def _places(fields: dict[bytes, bytes]) -> dict[Place, int]:
    places = {}
    for name, offset in fields.items():
        topic, _, partition = name.decode().rpartition("/")
        places[topic, int(partition)] = int(offset)
    return places


def _place_fields(position: Mapping[Place, int]) -> Fields:
    return {f"{topic}/{partition}": offset for (topic, partition), offset in position.items()}
