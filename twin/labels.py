"""What is made of the messages about one case: one label, and why the others are kept apart.

A function of the set of messages, not of their order: the mirror, the re-stacker and a rebuilt
state all come to the same (law 2). Each label counts once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from twin.events import CaseArrived, CaseRejected, FeedbackReceived, VerdictIssued

CLASSES: Final = {"malignant": True, "benign": False}
WITHDRAWN: Final = "withdrawn"

UNKNOWN_CASE: Final = "unknown case"
UNKNOWN_CLASS: Final = "unknown class"
TOO_EARLY: Final = "before its verdict"  # older than its case, or the case has no answer yet
NO_SCORES: Final = "case has no scores"
DUPLICATE: Final = "duplicate"
SUPERSEDED: Final = "superseded"  # a later revision says something else
TAKEN_BACK: Final = "withdrawn"
CONFLICT: Final = "conflict"  # two messages of one revision say different things
REASONS: Final = (
    UNKNOWN_CASE,
    UNKNOWN_CLASS,
    TOO_EARLY,
    NO_SCORES,
    DUPLICATE,
    SUPERSEDED,
    TAKEN_BACK,
    CONFLICT,
)


@dataclass(frozen=True, slots=True)
class Settled:
    """What stands of the messages about a case."""

    counts: FeedbackReceived | None  # the one whose label counts
    apart: dict[str, str]  # feedback_id -> reason, of all others

    @property
    def malignant(self) -> bool | None:
        """The label that counts; None without one."""
        return None if self.counts is None else CLASSES[self.counts.label]


def settle(
    arrived: CaseArrived | None,
    answer: VerdictIssued | CaseRejected | None,
    messages: Collection[FeedbackReceived],
) -> Settled:
    """Return which message counts, and why each other one does not.

    The highest revision decides; of messages that say the same within one, the first counts.
    Messages of one revision that contradict each other leave the case without a label.
    """
    apart: dict[str, str] = {}
    sound: list[FeedbackReceived] = []
    for one in sorted(messages, key=lambda message: (message.at_min, message.feedback_id)):
        reason = _fault(arrived, answer, one)
        if reason is None:
            sound.append(one)
        else:
            apart[one.feedback_id] = reason
    if not sound:
        return Settled(None, apart)
    last = max(one.revision for one in sound)
    deciding = [one for one in sound if one.revision == last]
    says = {one.label for one in deciding}
    first, *more = deciding
    apart |= {one.feedback_id: SUPERSEDED for one in sound if one.revision < last}
    if len(says) > 1:
        return Settled(None, apart | {one.feedback_id: CONFLICT for one in deciding})
    apart |= {one.feedback_id: DUPLICATE for one in more}
    if first.label == WITHDRAWN:
        return Settled(None, apart | {first.feedback_id: TAKEN_BACK})
    return Settled(first, apart)


def _fault(
    arrived: CaseArrived | None,
    answer: VerdictIssued | CaseRejected | None,
    message: FeedbackReceived,
) -> str | None:
    if message.label != WITHDRAWN and message.label not in CLASSES:
        return UNKNOWN_CLASS
    if arrived is None:
        return UNKNOWN_CASE
    if answer is None or message.at_min < arrived.at_min:
        return TOO_EARLY
    return NO_SCORES if isinstance(answer, CaseRejected) else None
