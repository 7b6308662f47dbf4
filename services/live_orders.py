"""What somebody tells the twin that is up from the command line: reads its log, then sends."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Final

from services.live_facts import Facts, Label, epoch_of, fate_of, label_of, order_of
from services.live_log import LiveLog
from twin.events import (
    ComponentChanged,
    EpochReached,
    Event,
    FeedbackReceived,
    StackEvent,
    StackOrdered,
)
from twin.state import CaseState, Record, TwinState, fold

__all__ = ["Label", "facts_of", "send_epoch", "send_label", "send_order"]

_ALL: Final = ("cases", "verdicts", "feedback", "stacks")


def send_label(log: LiveLog, label: Label) -> tuple[FeedbackReceived, str]:
    """Publish a label; return the message, and what will be made of it: "counts" or a reason.

    Raises:
        SettingsError: a probability that none is, or no id of a case.
    """
    known = log.events(*_ALL)
    case = _folded(known).cases.get(label.case_id, CaseState())
    event = label_of(label, case, _latest_min(known), uuid.uuid4().hex)
    log.send(event)
    return event, fate_of(event, case)


def send_order(log: LiveLog, version: int, by: str, reason: str) -> tuple[StackOrdered, int]:
    """Publish an order to bring a version back; return it, and the version in force.

    Raises:
        SettingsError: the twin that is up does not re-stack.
        DataError: it has no such version.
    """
    facts = facts_of(log, log.events("stacks"))
    event, in_force = order_of(facts, version, by, reason, uuid.uuid4().hex)
    log.send(event)
    return event, in_force


def send_epoch(log: LiveLog) -> EpochReached:
    """Publish that an epoch is reached: the re-stacker decides on all that is on the log.

    Raises:
        SettingsError: nothing happens at epochs of the twin that is up, or not yet at the last one.
    """
    event = epoch_of(facts_of(log, log.events(*_ALL)))
    log.send(event)
    return event


def facts_of(log: LiveLog, known: Sequence[Event]) -> Facts:
    """Return what the events of a log say of the twin as a whole."""
    counts = _folded(known).counts
    return Facts(
        prefix=log.prefix,
        loop=log.loop,
        latest_min=_latest_min(known),
        stack_events=[one for one in known if isinstance(one, StackEvent)],
        cases=counts["cases"],
        feedback=counts["feedback"],
        closed=counts["closed"],
    )


def _folded(known: Sequence[Event]) -> TwinState:
    return fold(Record("log", 0, number, event) for number, event in enumerate(known))


def _latest_min(known: Iterable[Event]) -> float:
    return max((one.at_min for one in known if not isinstance(one, ComponentChanged)), default=0.0)
