"""From a message to its event: the one judge of what a loop may believe.

Worker, mirror, re-stacker and everybody else who reads the log judge alike: what one of them
refuses, none of them takes.
"""

from typing import Final

from services.bus.codec import decode
from services.bus.port import MAX_EVENT_BYTES, Message
from twin.errors import EventError
from twin.events import Event
from twin.log import TOPIC_OF, key_of

# Kinds of faults, as people count them.
TOO_LARGE: Final = "too large"
EMPTY: Final = "empty"
WRONG_TOPIC: Final = "wrong topic"
NO_KEY: Final = "no key"
WRONG_KEY: Final = "wrong key"


def read(message: Message) -> Event:
    """Return the event that a message is.

    Its topic and its key have to be those of the event: order is kept by partition, and a case
    under another key would be in two of them.

    Raises:
        EventError: with the bytes, the reason, and its kind.
    """
    raw = message.value
    if message.fault:
        raise EventError(raw, message.fault, "not readable")
    if len(raw) > MAX_EVENT_BYTES:
        raise EventError(raw, f"{len(raw)} bytes, the limit is {MAX_EVENT_BYTES}", TOO_LARGE)
    if not raw:
        raise EventError(raw, "the message is empty", EMPTY)
    event = decode(message.schema, raw)
    topic, key = TOPIC_OF[type(event)], key_of(event)
    if topic != message.topic:
        raise EventError(raw, f"{message.schema} belongs on topic {topic}", WRONG_TOPIC)
    if message.key is None:
        raise EventError(raw, f"it has no key; its event's is {key!r}", NO_KEY)
    if message.key != key:
        reason = f"its key is {message.key[:80]!r}, its event's is {key!r}"
        raise EventError(raw, reason, WRONG_KEY)
    return event


def read_or_none(message: Message) -> Event | None:
    """Return a message's event; None for what no loop takes: see `services/dead_letters/`."""
    try:
        return read(message)
    except EventError:
        return None
