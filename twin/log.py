"""The log's canonical form: one byte string per event, one order, one digest (law 5)."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields, is_dataclass
from functools import lru_cache
from typing import Any, Final

from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    ComponentChanged,
    DriftReported,
    EpochReached,
    Event,
    FeedbackReceived,
    LoggedEvent,
    StackEvent,
    StackOrdered,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)
from twin.images import ImageRef

# Topic of each event. The version is that of the payload: raise it when a meaning changes.
TOPIC_OF: Final[dict[type, str]] = {
    CaseArrived: "cases",
    VerdictIssued: "verdicts",
    CaseRejected: "verdicts",
    CaseClosed: "cases",
    FeedbackReceived: "feedback",
    EpochReached: "stacks",
    StackOrdered: "stacks",
    StackPromoted: "stacks",
    StackRejected: "stacks",
    DriftReported: "stacks",
    ComponentChanged: "components",
}
STACK_KEY: Final = "stack"  # one key, one partition: epochs and decisions stay in order
_VERSION: Final[dict[type, int]] = {
    CaseArrived: 2,
    VerdictIssued: 2,
    ComponentChanged: 2,
}  # 1 everywhere else; a field more or less is a new version
SCHEMA_OF: Final[dict[type, str]] = {
    kind: f"{kind.__name__}/{_VERSION.get(kind, 1)}" for kind in TOPIC_OF
}
# Earlier versions that are still read, with the fields that came since: all of these have
# defaults, and nothing else has changed.
STILL_READ: Final[dict[str, tuple[type, tuple[str, ...]]]] = {
    "ComponentChanged/1": (ComponentChanged, ("last_input", "last_output")),
}
_RANK: Final[dict[type, int]] = {kind: rank for rank, kind in enumerate(TOPIC_OF)}


def encode(event: Event) -> bytes:
    """Return the canonical JSON of an event: sorted keys, no white space, no NaN.

    >>> from twin.events import CaseRejected
    >>> encode(CaseRejected(case_id="c1", at_min=2.0, reason="no image"))
    b'{"at_min":2.0,"case_id":"c1","reason":"no image"}'
    """
    kind = type(event)
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(field.name for field in fields(event))
    # Fields one by one: `asdict` would copy all that is in them, and take most of a digest's time.
    return _ENCODER.encode({name: getattr(event, name) for name in names}).encode()


@lru_cache(maxsize=1 << 14)
def _image(image: ImageRef) -> dict[str, Any]:
    return asdict(image)


def _within(value: object) -> dict[str, Any]:
    """Return a dataclass within an event as plain data."""
    if isinstance(value, ImageRef):
        return _image(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} is no value of an event")


_NAMES: Final[dict[type, tuple[str, ...]]] = {}  # fields by kind of event
_ENCODER: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), allow_nan=False, default=_within
)


def key_of(event: Event) -> str:
    """Return the Kafka key: the case, so that a case stays in order; else the component."""
    if isinstance(event, ComponentChanged):
        return event.component
    return STACK_KEY if isinstance(event, StackEvent) else event.case_id


def in_order(events: Iterable[Event]) -> list[LoggedEvent]:
    """Sort a log into its canonical order: event time, key, kind, bytes. Telemetry is left out.

    Routes and batch sizes interleave topics differently; this order depends on the events alone.
    """
    return [event for event, _ in _encoded(events)]


def _encoded(events: Iterable[Event]) -> list[tuple[LoggedEvent, bytes]]:
    """Return a log in its canonical order, each event with its bytes."""
    known = [
        (event.at_min, key_of(event), _RANK[type(event)], encode(event), place, event)
        for place, event in enumerate(events)
        if not isinstance(event, ComponentChanged)
    ]
    known.sort()  # by place at last: events of equal bytes are never compared themselves
    return [(event, content) for *_, content, _, event in known]


def line(event: Event) -> bytes:
    """Return an event's line in a log file: topic, schema and payload."""
    return _line(type(event), encode(event))


def lines(events: Iterable[Event]) -> Iterator[bytes]:
    """Yield a log's lines in canonical order."""
    for event, content in _encoded(events):
        yield _line(type(event), content)


def _line(kind: type, content: bytes) -> bytes:
    return b'{"topic":"%s","schema":"%s","event":%s}\n' % (
        TOPIC_OF[kind].encode(),
        SCHEMA_OF[kind].encode(),
        content,
    )


def digest(events: Iterable[Event]) -> str:
    """Return the sha256 (hex) of a log: of its lines in canonical order."""
    total = hashlib.sha256()
    for one in lines(events):
        total.update(one)
    return total.hexdigest()
