"""The log's canonical form: one byte string per event, one order, one digest (law 5)."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Final

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
}  # 1 everywhere else; a field more or less is a new version
SCHEMA_OF: Final[dict[type, str]] = {
    kind: f"{kind.__name__}/{_VERSION.get(kind, 1)}" for kind in TOPIC_OF
}
_RANK: Final[dict[type, int]] = {kind: rank for rank, kind in enumerate(TOPIC_OF)}


def encode(event: Event) -> bytes:
    """Return the canonical JSON of an event: sorted keys, no white space, no NaN.

    >>> from twin.events import CaseRejected
    >>> encode(CaseRejected(case_id="c1", at_min=2.0, reason="no image"))
    b'{"at_min":2.0,"case_id":"c1","reason":"no image"}'
    """
    return json.dumps(
        asdict(event), sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def key_of(event: Event) -> str:
    """Return the Kafka key: the case, so that a case stays in order; else the component."""
    if isinstance(event, ComponentChanged):
        return event.component
    return STACK_KEY if isinstance(event, StackEvent) else event.case_id


def in_order(events: Iterable[Event]) -> list[LoggedEvent]:
    """Sort a log into its canonical order: event time, key, kind, bytes. Telemetry is left out.

    Routes and batch sizes interleave topics differently; this order depends on the events alone.
    """
    logged = [event for event in events if not isinstance(event, ComponentChanged)]
    return sorted(
        logged, key=lambda event: (event.at_min, key_of(event), _RANK[type(event)], encode(event))
    )


def line(event: Event) -> bytes:
    """Return an event's line in a log file: topic, schema and payload."""
    kind = type(event)
    return b'{"topic":"%s","schema":"%s","event":%s}\n' % (
        TOPIC_OF[kind].encode(),
        SCHEMA_OF[kind].encode(),
        encode(event),
    )


def digest(events: Iterable[Event]) -> str:
    """Return the sha256 (hex) of a log: of its lines in canonical order."""
    total = hashlib.sha256()
    for event in in_order(events):
        total.update(line(event))
    return total.hexdigest()
