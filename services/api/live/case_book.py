"""Cases of late, as they are and as they were.

What is known of a case here is all that is known of it. One that began before all that is kept is
in the book only if it was read from the mirror; otherwise its latest records are, and no more.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from services.api.live.change import Change
from services.api.live.scores import Scores
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseEvent,
    CaseRejected,
    FeedbackReceived,
    VerdictIssued,
)
from twin.state import CaseState

KEPT: Final = 50_000  # about 2 kB each; assumption


class CaseBook:
    """The latest cases by id, in the order in which they were first heard of."""

    def __init__(self) -> None:
        self.cases: dict[str, CaseState] = {}
        self.scores = Scores()
        self.dropped = 0  # older ones, which only the mirror still has
        self._changes: defaultdict[str, list[Change]] = defaultdict(list)

    def learn(self, cases: Mapping[str, CaseState]) -> None:
        """Take over cases of the mirror, with all that will be told of them next."""
        for case_id, case in cases.items():
            if case_id not in self.cases:
                self._put(case_id, case)

    def _put(self, case_id: str, case: CaseState) -> None:
        self.cases[case_id] = case
        self.scores.note(case_id, case)
        if len(self.cases) > KEPT:
            oldest = next(iter(self.cases))
            del self.cases[oldest]
            self.scores.drop(oldest)
            self.dropped += 1

    def add(self, change: Change, event: CaseEvent) -> None:
        """Take in what changed a case. What is known already changes nothing."""
        self._changes[event.case_id].append(change)
        case = self.cases.get(event.case_id)
        if case is None:
            if change.case_revision > 1:
                return  # it began before, and the mirror has let go of it
            case = CaseState()
            self._put(event.case_id, case)
        match event:
            case CaseArrived():
                case.arrived = case.arrived or event
            case VerdictIssued() | CaseRejected():
                case.answer = case.answer or event
            case CaseClosed():
                case.closed = case.closed or event
            case FeedbackReceived():
                case.feedback.setdefault(event.feedback_id, event)
        case.revision = max(case.revision, change.case_revision)
        self.scores.note(event.case_id, case)

    def forget(self, change: Change) -> None:
        """Let go of a record that is no longer kept; its case stays."""
        mine = self._changes.get(change.id)
        if change.kind == "case" and mine and mine[0].revision <= change.revision:
            mine.pop(0)
            if not mine:
                del self._changes[change.id]

    def changes_of(self, case_id: str) -> list[Change]:
        """Return the records about a case that are still kept."""
        return self._changes.get(case_id, [])

    def at(self, case_id: str, revision: int) -> CaseState | None:
        """Return a case as it was at a revision that is kept; None if it was not known yet."""
        now = self.cases.get(case_id)
        if now is None:
            return None
        return undone(now, [one for one in self.changes_of(case_id) if one.revision > revision])


def undone(now: CaseState, later: Sequence[Change]) -> CaseState | None:
    """Return a case without some of its latest changes; None if nothing is left."""
    if not later:
        return now
    then = CaseState(
        revision=now.revision - len(later),
        arrived=now.arrived,
        answer=now.answer,
        closed=now.closed,
        feedback=dict(now.feedback),
    )
    for change in later:
        match change.event:
            case CaseArrived():
                then.arrived = None
            case VerdictIssued() | CaseRejected():
                then.answer = None
            case CaseClosed():
                then.closed = None
            case FeedbackReceived() as said:
                then.feedback.pop(said.feedback_id, None)
    return then if then.revision > 0 else None
