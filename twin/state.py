"""The twin's state as a fold of its log; the mirror stores exactly this (law 2).

Facts about a case come from several topics, and no order holds across topics. So the fold joins
facts instead of replaying moves: any interleaving that keeps the order within a partition gives
the same state. It is idempotent twice over: a record at or below the position of its partition
is skipped, and a second verdict for a case is counted and changes nothing.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
    CaseRejected,
    ComponentChanged,
    Event,
    VerdictIssued,
)
from twin.images import name_of
from twin.lifecycle import CaseStage
from twin.log import encode

COUNTED: Final = ("cases", "verdicts", "rejections", "closed", "duplicates", "conflicts", "invalid")


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place in the log; `event` is None where the bytes were no event."""

    topic: str
    partition: int
    offset: int
    event: Event | None


@dataclass(slots=True)
class CaseState:
    """All that is known of one case. A field is empty until its event was folded."""

    revision: int = 0  # events that changed this case
    arrived: CaseArrived | None = None
    answer: VerdictIssued | CaseRejected | None = None
    closed: CaseClosed | None = None

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


@dataclass(slots=True)
class TwinState:
    """The fold: cases, components, counts, and the position reached in each partition."""

    cases: dict[str, CaseState] = field(default_factory=dict)
    components: dict[str, ComponentChanged] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    position: dict[tuple[str, int], int] = field(default_factory=dict)  # last offset folded

    def apply(self, record: Record) -> bool:
        """Fold one record in; return whether it changed a case or a component."""
        place = (record.topic, record.partition)
        if record.offset <= self.position.get(place, -1):
            return False
        self.position[place] = record.offset
        event = record.event
        if event is None:
            self.counts["invalid"] += 1
            return False
        if isinstance(event, ComponentChanged):
            self.components[event.component] = event
            return True
        return self._apply_to_case(event)

    def _apply_to_case(self, event: CaseEvent) -> bool:
        case = self.cases.setdefault(event.case_id, CaseState())
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
        if known is not None:
            # At-least-once delivery repeats events; the first one is the one of record.
            self.counts["duplicates" if encode(known) == encode(event) else "conflicts"] += 1
            return False
        self.counts[counted] += 1
        case.revision += 1
        return True


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
    total.update(repr(sorted(state.counts.items())).encode())
    return total.hexdigest()
