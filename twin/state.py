"""The twin's state as a fold of its log; the mirror stores exactly this (law 2).

Facts about a case come from several topics, and no order holds across topics. So the fold joins
facts instead of replaying moves: any interleaving that keeps the order within a partition gives
the same state. It is idempotent twice over: a record at or below the position of its partition
is skipped, and a second verdict for a case is counted and changes nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
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
from twin.images import name_of
from twin.labels import REASONS, Settled, settle
from twin.lifecycle import CaseStage
from twin.log import encode

APART: Final = "apart."  # begins the counts of labels that are kept apart, by reason
COUNTED: Final = (
    *("cases", "verdicts", "rejections", "closed"),
    *("feedback", "labels", *(f"{APART}{reason}" for reason in REASONS)),
    *("epochs", "orders", "drift"),
    *(f"stacks.{what}" for what in ("trained", "promoted", "rolled_back")),
    *(f"stacks.{what}" for what in ("rejected", "waiting", "kept")),
    *("duplicates", "conflicts", "invalid"),
)
# Where the state keeps what `stacks` tells: attribute of `TwinState`.
SHELF_OF: Final[dict[type, str]] = {
    EpochReached: "epochs",
    StackOrdered: "orders",
    StackPromoted: "stacks",
    StackRejected: "stacks",
    DriftReported: "drift",
}
Decision = StackPromoted | StackRejected


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place in the log; `event` is None where the bytes were no event."""

    topic: str
    partition: int
    offset: int
    event: Event | None
    sent_unix_ms: int = 0  # the sender's clock; telemetry, never folded


UNKNOWN: Final = "unknown case"
CONFLICT: Final = "conflict"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A record that contradicts the one of record, or is about a case that has not arrived."""

    record: Record
    kind: str  # `UNKNOWN` or `CONFLICT`
    reason: str  # in words
    case_id: str = ""


@dataclass(slots=True)
class CaseState:
    """All that is known of one case. A field is empty until its event was folded."""

    revision: int = 0  # events that changed this case
    arrived: CaseArrived | None = None
    answer: VerdictIssued | CaseRejected | None = None
    closed: CaseClosed | None = None
    feedback: dict[str, FeedbackReceived] = field(default_factory=dict)  # by feedback_id

    @property
    def stage(self) -> CaseStage:
        """How far the case has come."""
        if self.closed is not None:
            return CaseStage.CLOSED
        if self.answer is not None:
            return CaseStage.ANSWERED
        return CaseStage.ARRIVED if self.arrived is not None else CaseStage.UNKNOWN

    @property
    def image(self) -> str:
        """Name of the case's image, or nothing while the case has not arrived."""
        return name_of(self.arrived.image) if self.arrived else ""

    def of_record(self, event: CaseEvent) -> CaseEvent | None:
        """Return the event of record in whose place this one came."""
        match event:
            case CaseArrived():
                return self.arrived
            case VerdictIssued() | CaseRejected():
                return self.answer
            case CaseClosed():
                return self.closed
            case FeedbackReceived():
                return self.feedback.get(event.feedback_id)

    def settled(self) -> Settled:
        """Return which label counts, as of now, and why others do not."""
        return settle(self.arrived, self.answer, self.feedback.values())

    def tally(self) -> Counter[str]:
        """Return what the case adds to the counts of labels."""
        if not self.feedback:
            return Counter()
        settled = self.settled()
        apart = Counter(f"{APART}{reason}" for reason in settled.apart.values())
        return apart + Counter(labels=int(settled.counts is not None))


@dataclass(slots=True)
class TwinState:
    """The fold: cases, stacks, components, counts, and the position reached in each partition."""

    cases: dict[str, CaseState] = field(default_factory=dict)
    epochs: dict[int, EpochReached] = field(default_factory=dict)
    stacks: dict[int, Decision] = field(default_factory=dict)  # by epoch
    drift: dict[int, DriftReported] = field(default_factory=dict)  # by epoch
    orders: dict[str, StackOrdered] = field(default_factory=dict)  # by order_id
    components: dict[str, ComponentChanged] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    position: dict[tuple[str, int], int] = field(default_factory=dict)  # last offset folded

    def knows(self, record: Record) -> bool:
        """Return whether a record was folded already."""
        return record.offset <= self.position.get((record.topic, record.partition), -1)

    def apply(self, record: Record) -> bool:
        """Fold one record in; return whether it changed a case, the stacks or a component."""
        if self.knows(record):
            return False
        self.position[record.topic, record.partition] = record.offset
        event = record.event
        if event is None:
            self.counts["invalid"] += 1
            return False
        if isinstance(event, ComponentChanged):
            self.components[event.component] = event
            return True
        if isinstance(event, StackEvent):
            return self._apply_to_stacks(event)
        return self._apply_to_case(event)

    def dispute(self, record: Record) -> Dispute | None:
        """Return what is disputed of a record that was folded; None where all is well."""
        event = record.event
        if event is None or isinstance(event, ComponentChanged):
            return None
        if isinstance(event, StackEvent):
            known: Event | None = getattr(self, SHELF_OF[type(event)]).get(shelf_key(event))
            about = f"{type(event).__name__} {shelf_key(event)}"
        else:
            case = self.cases.get(event.case_id) or CaseState()
            known, about = case.of_record(event), f"{type(event).__name__} of {event.case_id!r}"
            if case.arrived is None:
                reason = f"no case {event.case_id!r} has arrived"
                return Dispute(record, UNKNOWN, reason, event.case_id)
        if known is None or known is event or _equal(known, event):
            return None
        return Dispute(record, CONFLICT, f"{about} says otherwise than the one of record")

    @property
    def in_force(self) -> StackPromoted | None:
        """The stack of the latest version; None before the first was announced."""
        promoted = [one for one in self.stacks.values() if isinstance(one, StackPromoted)]
        return max(promoted, key=lambda one: one.version, default=None)

    def of_record(self) -> list[LoggedEvent]:
        """Return every event that counts: no duplicates, and the first of what conflicts."""
        found: list[LoggedEvent] = []
        for case in self.cases.values():
            known = (case.arrived, case.answer, case.closed)
            found += [event for event in known if event is not None]
            found += case.feedback.values()
        for shelf in (self.epochs, self.stacks, self.drift, self.orders):
            found += shelf.values()
        return found

    def _apply_to_case(self, event: CaseEvent) -> bool:
        case = self.cases.setdefault(event.case_id, CaseState())
        # What a message is worth hangs on what else is known of its case, and topics come in any
        # order: so the difference is counted that each event makes.
        before = case.tally()
        known: Event | None
        match event:
            case CaseArrived():
                known, counted = case.arrived, "cases"
                case.arrived = known or event
            case VerdictIssued() | CaseRejected():
                known = case.answer
                counted = "verdicts" if isinstance(event, VerdictIssued) else "rejections"
                case.answer = known or event
            case CaseClosed():
                known, counted = case.closed, "closed"
                case.closed = known or event
            case FeedbackReceived():
                known, counted = case.feedback.get(event.feedback_id), "feedback"
                case.feedback.setdefault(event.feedback_id, event)
        if known is not None:
            return self._again(known, event)
        self.counts[counted] += 1
        case.revision += 1
        if case.feedback:
            after = case.tally()
            for name in before | after:
                self.counts[name] += after[name] - before[name]
        return True

    def _apply_to_stacks(self, event: StackEvent) -> bool:
        shelf: dict[Any, StackEvent] = getattr(self, SHELF_OF[type(event)])
        key = shelf_key(event)
        if key in shelf:
            return self._again(shelf[key], event)
        shelf[key] = event
        self.counts[counted_as(event)] += 1
        return True

    def _again(self, known: Event, event: Event) -> bool:
        # At-least-once delivery repeats events; the first one is the one of record.
        self.counts["duplicates" if _equal(known, event) else "conflicts"] += 1
        return False


def _equal(known: Event, event: Event) -> bool:
    return type(known) is type(event) and encode(known) == encode(event)


def shelf_key(event: StackEvent) -> int | str:
    """Return what tells an event of `stacks` from others of its kind."""
    return event.order_id if isinstance(event, StackOrdered) else event.epoch


def counted_as(event: StackEvent) -> str:
    """Return the name of the count that an event of `stacks` adds to."""
    if isinstance(event, StackPromoted):
        special = {"trained": "trained", "rollback": "rolled_back"}
        return f"stacks.{special.get(event.how, 'promoted')}"
    if isinstance(event, StackRejected):
        return f"stacks.{event.verdict}"
    return SHELF_OF[type(event)]


def fold(records: Iterable[Record]) -> TwinState:
    """Return the state that a log leads to."""
    state = TwinState()
    for record in records:
        state.apply(record)
    return state


def fingerprint(state: TwinState) -> str:
    """Return a sha256 (hex) of the state; positions and component telemetry are left out."""
    total = hashlib.sha256()
    for case_id in sorted(state.cases):
        case = state.cases[case_id]
        total.update(f"{case_id} {case.revision}\n".encode())
        for event in (case.arrived, case.answer, case.closed):
            total.update(encode(event) + b"\n" if event else b"-\n")
        for feedback_id in sorted(case.feedback):
            total.update(encode(case.feedback[feedback_id]) + b"\n")
    for name in sorted(set(SHELF_OF.values())):
        for _, event in sorted(getattr(state, name).items()):
            total.update(f"{name} ".encode() + encode(event) + b"\n")
    total.update(repr(sorted(state.counts.items())).encode())
    return total.hexdigest()
