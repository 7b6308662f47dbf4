"""A dead letter: what a message was, where it came from, and why no loop could use it.

On the topic `dead-letters` it has the message's key, schema and bytes, and in its headers:

    reason        in words                     kind      what is wrong, in a word or two
    origin        topic/partition/offset       by        who refused it: worker or mirror
    bytes         how many it had; "not kept: ..." where they did not fit
    sent_ms       when it was sent, by its sender's clock (Unix time)
    replay-of     origin of the letter that it is a replay of, if it is one

A letter's identity is its origin: a crash may write it twice, and it counts once. That a letter
was sent again is a message there as well, whose header `replayed` names its origin.
"""

from dataclasses import dataclass
from typing import Final

from services.bus.port import MAX_RAW_BYTES, Message
from twin.errors import EventError

TOPIC: Final = "dead-letters"
REPLAY_OF: Final = "replay-of"
REPLAYED: Final = "replayed"
_MAX_REASON: Final = 500  # characters; field names in it may be a stranger's: assumption
_MAX_NAME: Final = 10_000  # characters of a key or schema: assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter, as it was read."""

    origin: str  # topic/partition/offset
    key: str | None
    schema: str
    value: bytes
    reason: str
    kind: str
    by: str
    bytes: int  # that it had
    kept: str  # "" where its bytes, key and schema are whole; else why they are not
    sent_unix_ms: int  # by the sender
    refused_unix_ms: int
    place: str  # of the letter itself: partition/offset
    replay_of: str = ""
    replayed: int = 0  # how often it was sent again

    @property
    def topic(self) -> str:
        """Topic that it came from."""
        return self.origin.rsplit("/", 2)[0]


def origin_of(message: Message) -> str:
    """Return a message's place: topic/partition/offset."""
    return f"{message.topic}/{message.partition}/{message.offset}"


def fields_of(
    message: Message, error: EventError, by: str
) -> tuple[str | None, str, bytes, dict[str, str]]:
    """Return key, schema, bytes and headers of a message's letter; they fit into the log."""
    key, schema, value = message.key, message.schema, message.value
    headers = {
        "reason": error.reason[:_MAX_REASON],
        "kind": error.kind,
        "origin": origin_of(message),
        "by": by,
        "bytes": str(len(value)),
        "sent_ms": str(message.sent_unix_ms),
    }
    if REPLAY_OF in message.headers:
        headers[REPLAY_OF] = message.headers[REPLAY_OF][:200]
    lost = message.fault
    if key is not None and len(key) > _MAX_NAME:
        key, lost = key[:_MAX_NAME], f"key of {len(key)} characters"
    if len(schema) > _MAX_NAME:
        schema, lost = schema[:_MAX_NAME], f"schema of {len(schema)} characters"
    if len(value) > MAX_RAW_BYTES - 4 * (len(key or "") + len(schema)):
        value, lost = b"", f"{len(value)} bytes, the limit is {MAX_RAW_BYTES}"
    if lost:
        headers["not_kept"] = lost
    return key, schema, value, headers


def letter_of(message: Message) -> Letter | None:
    """Return the letter that a message of the topic is; None for a mark, or for a stranger's."""
    headers = message.headers
    origin = headers.get("origin", "")
    if origin.count("/") < 2 or not all(one.isdecimal() for one in origin.rsplit("/", 2)[1:]):
        return None
    size, sent = headers.get("bytes", ""), headers.get("sent_ms", "")
    return Letter(
        origin=origin,
        key=message.key,
        schema=message.schema,
        value=message.value,
        reason=headers.get("reason", ""),
        kind=headers.get("kind", "no event"),
        by=headers.get("by", "worker"),  # letters of earlier versions, which had no more than
        bytes=int(size) if size.isdecimal() else len(message.value),  # reason and origin
        kept=headers.get("not_kept", "" if size.isdecimal() or not size else size),
        sent_unix_ms=int(sent) if sent.isdecimal() else 0,
        refused_unix_ms=message.sent_unix_ms,
        place=f"{message.partition}/{message.offset}",
        replay_of=headers.get(REPLAY_OF, ""),
    )
