"""What tells an attached run's events from others on the live log: a tag, and an offset in time."""

import uuid
from dataclasses import dataclass, replace
from typing import Final, TypeVar, cast

from twin.errors import InvariantError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
    Event,
    FeedbackReceived,
    LoggedEvent,
    StackEvent,
    StackOrdered,
)
from twin.state import shelf_key

_SIGN: Final = "."  # between tag and id; no scenario's name has it, so no tag begins another
_MOST_OF_NAME: Final = 40  # characters; ids on the log have bounds
Sent = TypeVar("Sent", bound=CaseArrived | CaseClosed | FeedbackReceived)


def new_tag(name: str) -> str:
    """Return a tag for one attached run of a scenario."""
    return f"{name[:_MOST_OF_NAME].rstrip('-')}-{uuid.uuid4().hex[:6]}"


@dataclass(frozen=True, slots=True)
class Tags:
    """Turns a run's events into those of the live log, and back.

    Parameters:
        tag: comes before ids of cases and of feedback.
        offset_min: event time of the live log at which the run begins.
    """

    tag: str
    offset_min: float

    @property
    def begins(self) -> str:
        """How the ids of this run begin on the live log."""
        return self.tag + _SIGN

    def put(self, event: Sent) -> Sent:
        """Return an event as the live log has it."""
        at_min = self.offset_min + event.at_min
        tagged = replace(event, case_id=self.begins + event.case_id, at_min=at_min)
        if isinstance(tagged, FeedbackReceived):
            return cast("Sent", replace(tagged, feedback_id=self.begins + tagged.feedback_id))
        return tagged

    def owns(self, event: Event) -> bool:
        """Return whether an event is of this run's cases; what a user says of them is not."""
        if isinstance(event, FeedbackReceived) and not event.feedback_id.startswith(self.begins):
            return False
        return isinstance(event, CaseEvent) and event.case_id.startswith(self.begins)

    def take(self, event: LoggedEvent, at_min: float) -> LoggedEvent:
        """Return an event of the live log as the run knows it.

        Parameters:
            at_min: its event time in the run. Subtracting the offset would miss it by a bit.

        Raises:
            InvariantError: the log has another time.
        """
        if event.at_min != self.offset_min + at_min:
            raise InvariantError(
                f"{type(event).__name__} at {event.at_min!r} min on the live log, in the run at "
                f"{at_min!r} min, {self.offset_min!r} min after the log's beginning"
            )
        if isinstance(event, StackEvent):
            return replace(event, at_min=at_min)
        case_id = event.case_id.removeprefix(self.begins)
        if isinstance(event, FeedbackReceived):
            feedback_id = event.feedback_id.removeprefix(self.begins)
            return replace(event, case_id=case_id, at_min=at_min, feedback_id=feedback_id)
        return replace(event, case_id=case_id, at_min=at_min)


def known_by(event: LoggedEvent) -> tuple[type, str | int]:
    """Return what an event of record is known by: a log has one of each."""
    if isinstance(event, FeedbackReceived):
        return type(event), event.feedback_id
    if isinstance(event, StackEvent):
        return type(event), shelf_key(event)
    return type(event), event.case_id


def is_of_loop(event: Event) -> bool:
    """Return whether an event is one of those that a run with epochs makes or is told of."""
    return isinstance(event, StackEvent) and not isinstance(event, StackOrdered)
