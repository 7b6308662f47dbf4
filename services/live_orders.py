"""What somebody tells the twin that is up: a label, an order to go back, an epoch."""

import math
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.live_log import NOTHING, RESTACKS, LiveLog, ensure
from twin.errors import SettingsError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    ComponentChanged,
    DriftReported,
    EpochReached,
    Event,
    FeedbackReceived,
    StackOrdered,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)
from twin.labels import settle
from twin.restacking.lineage import lineage_of

_DECISIONS: Final = (StackPromoted, StackRejected, DriftReported)
_ALL: Final = ("cases", "verdicts", "feedback", "stacks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a clinic says of a case."""

    case_id: str
    label: str
    way: str = "biopsied"
    p_verified: float = 1.0
    revision: int = 0


def send_label(log: LiveLog, label: Label) -> tuple[FeedbackReceived, str]:
    """Publish a label; return the message, and what will be made of it: "counts" or a reason.

    It is received at the latest time that the log knows: a twin has event time and no clock.

    Raises:
        SettingsError: a probability that none is, or a revision below 0.
    """
    if not 0 < label.p_verified <= 1:
        reason = "expected more than 0 and at most 1: labels are weighted by its inverse"
        raise SettingsError("--p-verified", str(label.p_verified), reason)
    if not label.case_id:
        raise SettingsError("CASE", label.case_id, "expected the id of a case")
    known = log.events(*_ALL)
    # Of messages that are received at one time, the first by its id is of record.
    number = sum(isinstance(one, FeedbackReceived) for one in known)
    event = FeedbackReceived(
        feedback_id=f"f{number:06d}-{uuid.uuid4().hex[:8]}",
        case_id=label.case_id,
        at_min=_latest_min(known),
        label=label.label,
        revision=label.revision,
        way=label.way,
        p_verified=label.p_verified,
    )
    log.send(event)
    return event, _fate(event, known)


def send_order(log: LiveLog, version: int, by: str, reason: str) -> tuple[StackOrdered, int]:
    """Publish an order to bring a version back; return it, and the version in force.

    Raises:
        SettingsError: the twin that is up does not re-stack.
        DataError: it has no such version.
    """
    ensure(log, RESTACKS)
    known = log.events("stacks")
    lineage = lineage_of(known, f"{log.prefix}.stacks")
    lineage.version(version)
    number = sum(isinstance(one, StackOrdered) for one in known)  # the latest order counts
    event = StackOrdered(
        order_id=f"o{number:06d}-{uuid.uuid4().hex[:8]}",
        at_min=_latest_min(known),
        version=version,
        by=by,
        reason=reason,
    )
    log.send(event)
    return event, lineage.versions[-1].version


def send_epoch(log: LiveLog) -> EpochReached:
    """Publish that an epoch is reached: the re-stacker decides on all that is on the log.

    Raises:
        SettingsError: nothing happens at epochs of the twin that is up, or not yet at the last one.
    """
    if log.loop == NOTHING:
        ensure(log, RESTACKS)
    known = log.events(*_ALL)
    event = next_epoch(known)
    reached = {one.epoch for one in known if isinstance(one, EpochReached)}
    decided = {one.epoch for one in known if isinstance(one, _DECISIONS)}
    if waiting := sorted(reached - decided):
        reason = f"epoch {waiting[0]} is not decided yet"
        raise SettingsError("the twin that is up", log.prefix, reason)
    log.send(event)
    return event


def next_epoch(known: Sequence[Event]) -> EpochReached:
    """Return the epoch right after everything that is on a log."""
    at_min = math.floor(_latest_min(known)) + 1.0
    last = max((one.epoch for one in known if isinstance(one, EpochReached)), default=0)
    return EpochReached(
        at_min=at_min,
        epoch=last + 1,
        cases=len({one.case_id for one in known if isinstance(one, CaseArrived)}),
        feedback=len(
            {(one.case_id, one.feedback_id) for one in known if isinstance(one, FeedbackReceived)}
        ),
        closed=len({one.case_id for one in known if isinstance(one, CaseClosed)}),
    )


def _latest_min(known: Iterable[Event]) -> float:
    return max((one.at_min for one in known if not isinstance(one, ComponentChanged)), default=0.0)


def _fate(event: FeedbackReceived, known: Iterable[Event]) -> str:
    """Return what is made of a message, as of now; later ones can change it."""
    arrived: CaseArrived | None = None
    answer: VerdictIssued | CaseRejected | None = None
    messages = {event.feedback_id: event}
    for one in known:
        match one:
            case CaseArrived(case_id=event.case_id):
                arrived = arrived or one
            case VerdictIssued(case_id=event.case_id) | CaseRejected(case_id=event.case_id):
                answer = answer or one
            case FeedbackReceived(case_id=event.case_id):
                messages.setdefault(one.feedback_id, one)
    return settle(arrived, answer, messages.values()).apart.get(event.feedback_id, "counts")
