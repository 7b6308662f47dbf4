"""What the mirror alone can refuse, and when it is sure.

It refuses what is no event on all topics but `cases`, which is the worker's. And it knows all
cases: so it refuses a message that contradicts one of record, and one about a case that has not
arrived. Topics are read in any order, so the latter waits until all is folded that was sent before
it came; the position behind which it waits is not committed, so a mirror that is started again
reads it once more. The fold has such messages nonetheless: it joins facts in any order, and if the
case does arrive one day, they count.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.bus.port import Message, Place
from services.dead_letters.keeper import Letters
from twin.errors import EventError
from twin.state import UNKNOWN, Dispute

OF_THE_WORKER: Final = "cases"
# What a case's sender may still have on its way when a message about it is folded: assumption.
GRACE_S: Final = 2.0
MOST_WAITING: Final = 5_000  # beyond, the oldest are judged at once: assumption


@dataclass(frozen=True, slots=True)
class _Waiting:
    message: Message
    case_id: str
    error: EventError
    since_unix_s: float


class Judge:
    """Sends the dead letters of a mirror.

    Parameters:
        letters: where they go.
    """

    def __init__(self, letters: Letters) -> None:
        self._letters = letters
        self._done: dict[Place, int] = {}  # next offset, per partition, that was not judged before
        self._waiting: deque[_Waiting] = deque()
        self._written = 0

    @property
    def kept(self) -> int:
        """Letters that were written."""
        return sum(self._letters.kinds.values())

    def begin(self, committed: Mapping[Place, int]) -> None:
        """Begin at a position: what is before it has been judged."""
        self._done = dict(committed)
        self._waiting.clear()

    def refuse(self, message: Message, error: EventError) -> None:
        """Refuse a message that is no event, unless it is the worker's to refuse."""
        if message.topic != OF_THE_WORKER and self._is_new(message):
            self._letters.keep(message, error)
            self._written += 1

    def dispute(
        self, batch: Sequence[Message], disputes: Sequence[Dispute], now_unix_s: float
    ) -> None:
        """Refuse what contradicts the record; have others wait for their case.

        Parameters:
            batch: messages that were just folded.
            disputes: what the fold says of them.
        """
        found = {(one.topic, one.partition, one.offset): one for one in batch} if disputes else {}
        for dispute in disputes:
            record = dispute.record
            message = found[record.topic, record.partition, record.offset]
            if not self._is_new(message):
                continue
            error = EventError(message.value, dispute.reason, dispute.kind)
            if dispute.kind == UNKNOWN:
                self._waiting.append(_Waiting(message, dispute.case_id, error, now_unix_s))
            else:
                self._letters.keep(message, error)
                self._written += 1

    def due(self, complete_unix_s: float | None) -> list[str]:
        """Return the cases that messages have waited long enough for.

        Parameters:
            complete_unix_s: all that was sent until then is folded; None: nothing is known.
        """
        until_s = float("-inf") if complete_unix_s is None else complete_unix_s - GRACE_S
        beyond = len(self._waiting) - MOST_WAITING
        return [
            one.case_id
            for place, one in enumerate(self._waiting)
            if place < beyond or one.since_unix_s < until_s
        ]

    def settle(self, due: Sequence[str], arrived: Collection[str]) -> None:
        """Refuse the messages whose cases have not arrived; they are the first that wait."""
        for _ in due:
            one = self._waiting.popleft()
            if one.case_id not in arrived:
                self._letters.keep(one.message, one.error)
                self._written += 1

    def flush(self) -> None:
        """Wait until what was written is acknowledged."""
        if self._written:
            self._letters.flush()
            self._written = 0

    def upto(self, folded: Mapping[Place, int]) -> dict[Place, int]:
        """Return the position that may be committed: before the first message that waits."""
        upto = dict(folded)
        for one in self._waiting:
            place = one.message.topic, one.message.partition
            upto[place] = min(upto.get(place, one.message.offset), one.message.offset)
        return upto

    def _is_new(self, message: Message) -> bool:
        return message.offset >= self._done.get((message.topic, message.partition), 0)
