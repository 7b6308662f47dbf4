"""The whole log of a twin, counted by hand: what an audit holds the fold and the mirror against."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from services.bus.codec import decode
from services.bus.port import Message
from services.bus.reading import read_or_none
from services.dead_letters.letter import TOPIC as DEAD_LETTERS
from services.dead_letters.letter import letter_of, origin_of
from twin.errors import EventError
from twin.events import (
    CaseArrived,
    CaseRejected,
    FeedbackReceived,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)
from twin.log import encode
from twin.state import Record, TwinState

_NOTED: Final = (VerdictIssued, CaseRejected, FeedbackReceived, StackPromoted, StackRejected)


@dataclass(slots=True)
class Ledger:
    """Takes in every message of the log once, of its partitions in order."""

    state: TwinState = field(default_factory=TwinState)  # the fold
    answers: dict[str, set[bytes]] = field(default_factory=dict)  # different ones, by case
    repeats: int = 0  # answers that were on the log already, byte by byte
    labelled: set[str] = field(default_factory=set)  # cases with a message from a clinic
    most_labels: int = 0  # that a decision on the stack says it rests on
    invalid: set[str] = field(default_factory=set)  # origins of messages that are no events
    letters: Counter[str] = field(default_factory=Counter)  # dead letters by origin
    reasons: Counter[str] = field(default_factory=Counter)  # of dead letters, each origin once
    buried: set[str] = field(default_factory=set)  # cases that are in the dead letters

    def take(self, messages: Iterable[Message]) -> None:
        """Take in what was read."""
        for message in messages:
            if message.topic == DEAD_LETTERS:
                self._letter(message)
            else:
                self._record(message)

    def _record(self, message: Message) -> None:
        event = read_or_none(message)
        if event is None:
            self.invalid.add(origin_of(message))
        place = (message.topic, message.partition, message.offset)
        self.state.apply(Record(*place, event, message.sent_unix_ms))
        if not isinstance(event, _NOTED):
            return
        if isinstance(event, VerdictIssued | CaseRejected):
            known = self.answers.setdefault(event.case_id, set())
            before, raw = len(known), type(event).__name__.encode() + encode(event)
            known.add(raw)
            self.repeats += len(known) == before
        elif isinstance(event, FeedbackReceived):
            self.labelled.add(event.case_id)
        else:
            self.most_labels = max(self.most_labels, event.labels)

    def _letter(self, message: Message) -> None:
        letter = letter_of(message)
        if letter is None:
            return  # a mark that one was sent again
        if letter.origin not in self.letters:
            self.reasons[letter.reason] += 1
        self.letters[letter.origin] += 1
        try:
            event = decode(letter.schema, letter.value)
        except EventError:
            return
        if isinstance(event, CaseArrived):
            self.buried.add(event.case_id)

    def lost(self, sent: Collection[str]) -> list[str]:
        """Return the cases that were sent and have neither an answer nor a dead letter."""
        return sorted(set(sent) - self.answers.keys() - self.buried)

    def doubled(self) -> list[str]:
        """Return the cases with two different answers on the log."""
        return sorted(case_id for case_id, told in self.answers.items() if len(told) > 1)

    def with_label(self) -> set[str]:
        """Return the cases with a label that counts."""
        cases = self.state.cases
        return {one for one in self.labelled if cases[one].settled().counts is not None}
