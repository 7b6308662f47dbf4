"""One record that the mirror has folded, as its stream of changes tells it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from services.bus.codec import decode
from services.bus.port import Place
from twin.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A record with its place in the log, and what it added to the state."""

    revision: int
    place: Place
    offset: int
    kind: str  # case, component, epochs, stacks, drift, orders, or invalid
    id: str  # of the case, component, epoch, or order
    stage: str  # that it brought its subject to
    changed: bool  # False: it repeated what was known, or was no event
    schema: str
    raw: bytes  # the event, JSON; empty where the bytes were none
    event: Event | None
    sent_unix_ms: int
    folded_unix_ms: int
    case_revision: int  # 0 where it is about no case
    deltas: Mapping[str, int]  # what it added to the counts
    before_min: float  # latest event time before it


def change_of(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Change:
    """Return a change from its entry in Redis; see `services.mirror.redis_layout`.

    Raises:
        EventError: it holds an event that this version does not know.
        KeyError, ValueError: it is no entry of a mirror.
    """
    topic, partition, offset = fields[b"place"].decode().rsplit("/", 2)
    schema, raw = fields.get(b"schema", b"").decode(), fields.get(b"event", b"")
    return Change(
        revision=int(entry_id.partition(b"-")[0]),
        place=(topic, int(partition)),
        offset=int(offset),
        kind=fields[b"kind"].decode(),
        id=fields[b"id"].decode(),
        stage=fields[b"stage"].decode(),
        changed=fields[b"changed"] == b"1",
        schema=schema,
        raw=raw,
        event=decode(schema, raw) if schema else None,
        sent_unix_ms=int(fields[b"sent_unix_ms"]),
        folded_unix_ms=int(fields[b"folded_unix_ms"]),
        case_revision=int(fields.get(b"case_revision", b"0")),
        deltas=json.loads(fields[b"deltas"]),
        before_min=float(fields[b"before_min"]),
    )


def told(change: Change) -> bytes:
    """Return a change as the event stream tells it: one line of JSON."""
    head = {
        "revision": change.revision,
        "kind": change.kind,
        "id": change.id,
        "stage": change.stage,
        "changed": change.changed,
        "schema": change.schema,
        "sent_unix_ms": change.sent_unix_ms,
        "folded_unix_ms": change.folded_unix_ms,
    }
    # The event is JSON already, and without line breaks.
    text = json.dumps(head, separators=(",", ":")).encode()
    return text[:-1] + b',"event":' + (change.raw or b"null") + b"}"
