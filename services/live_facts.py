"""What is told to the live twin, made of what is known of it: pure functions, for whoever tells it.

The command line knows from reading the log, the API from its history of the mirror's changes.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.live_log import NOTHING, RESTACKS, ensure_loop
from twin.errors import SettingsError
from twin.events import (
    DriftReported,
    EpochReached,
    FeedbackReceived,
    StackEvent,
    StackOrdered,
    StackPromoted,
    StackRejected,
)
from twin.restacking.lineage import lineage_of
from twin.state import CaseState

COUNTS: Final = "counts"  # what is made of a label that is none apart
_DECISIONS: Final = (StackPromoted, StackRejected, DriftReported)
_NUMBER: Final = re.compile(r"[fo](\d{6,9})-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a clinic says of a case."""

    case_id: str
    label: str
    way: str = "biopsied"
    p_verified: float = 1.0
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the live twin as a whole."""

    prefix: str
    loop: str | None  # what it does at epochs; None: not known
    latest_min: float  # event time of the latest event; 0 where there is none
    stack_events: Sequence[StackEvent] = ()
    cases: int = 0  # each counted once, as below
    feedback: int = 0
    closed: int = 0


def label_of(label: Label, case: CaseState, latest_min: float, seed: str) -> FeedbackReceived:
    """Return the message that tells a label.

    It is received at the latest time that is known: a twin has event time and no clock.

    Parameters:
        case: what is known of it; nothing of one that has not arrived.
        seed: makes the message's id; the same seed gives the same one.

    Raises:
        SettingsError: a probability that none is, or no id of a case.
    """
    if not 0 < label.p_verified <= 1:
        reason = "expected more than 0 and at most 1: labels are weighted by its inverse"
        raise SettingsError("--p-verified", str(label.p_verified), reason)
    if not label.case_id:
        raise SettingsError("CASE", label.case_id, "expected the id of a case")
    # Of messages about a case that are received at one time, the first by its id is of record.
    return FeedbackReceived(
        feedback_id=f"f{_next(case.feedback):06d}-{seed[:16]}",
        case_id=label.case_id,
        at_min=latest_min,
        label=label.label,
        revision=label.revision,
        way=label.way,
        p_verified=label.p_verified,
    )


def fate_of(event: FeedbackReceived, case: CaseState) -> str:
    """Return what is made of a label, as of now: "counts" or a reason. Later ones can change it."""
    messages = {event.feedback_id: event, **case.feedback}
    settled = replace(case, feedback=messages).settled()
    return settled.apart.get(event.feedback_id, COUNTS)


def order_of(
    facts: Facts, version: int, by: str, reason: str, seed: str
) -> tuple[StackOrdered, int]:
    """Return the order that brings a version back, and the version in force.

    Raises:
        SettingsError: the twin that is up does not re-stack.
        DataError: it has no such version.
    """
    ensure_loop(facts.prefix, facts.loop, RESTACKS)
    lineage = lineage_of(facts.stack_events, f"{facts.prefix}.stacks")
    lineage.version(version)
    known = [one.order_id for one in facts.stack_events if isinstance(one, StackOrdered)]
    event = StackOrdered(
        order_id=f"o{_next(known):06d}-{seed[:16]}",  # of one time, the latest by its id counts
        at_min=facts.latest_min,
        version=version,
        by=by,
        reason=reason,
    )
    return event, lineage.versions[-1].version


def epoch_of(facts: Facts) -> EpochReached:
    """Return the epoch that is reached now, right after everything that is known.

    Raises:
        SettingsError: nothing happens at epochs of the twin that is up, or not yet at the last one.
    """
    if facts.loop == NOTHING:
        ensure_loop(facts.prefix, facts.loop, RESTACKS)
    if (waiting := undecided(facts.stack_events)) is not None:
        reason = f"epoch {waiting.epoch} is not decided yet"
        raise SettingsError("the twin that is up", facts.prefix, reason)
    reached = (one.epoch for one in facts.stack_events if isinstance(one, EpochReached))
    return EpochReached(
        at_min=math.floor(facts.latest_min) + 1.0,
        epoch=max(reached, default=0) + 1,
        cases=facts.cases,
        feedback=facts.feedback,
        closed=facts.closed,
    )


def undecided(events: Iterable[StackEvent]) -> EpochReached | None:
    """Return the first epoch that was reached and is not decided; None where all are."""
    known = list(events)
    decided = {one.epoch for one in known if isinstance(one, _DECISIONS)}
    waiting = [one for one in known if isinstance(one, EpochReached) and one.epoch not in decided]
    return min(waiting, key=lambda one: one.epoch, default=None)


def arrival_min(latest_min: float, events: Iterable[StackEvent]) -> float:
    """Return when a case arrives that is sent now: at the latest time that is known.

    While an epoch is not decided, right before it: the version in force from then on is not known,
    and a case must be answered by the one that was in force when it arrived.
    """
    waiting = undecided(events)
    if waiting is None:
        return latest_min
    return max(0.0, min(latest_min, math.nextafter(waiting.at_min, 0.0)))


def _next(ids: Iterable[str]) -> int:
    """Return a number above those that our ids begin with: ids are compared as text."""
    found = (_NUMBER.match(one) for one in ids)
    return max((int(one[1]) for one in found if one), default=-1) + 1
