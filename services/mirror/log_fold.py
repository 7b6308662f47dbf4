"""The fold of a log, read by a reader of its own: what a mirror is held against."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from services.bus.port import Message, Place, Subscriber
from services.mirror.records import record_of
from twin.events import CaseEvent
from twin.state import Record, TwinState

_AT_ONCE: Final = 1000
_PATIENCE_S: Final = 0.5  # a poll of a topic that has lag; it is asked again while it has


class LogFold:
    """Reads a log from its beginning and folds it as far as it is asked to.

    What it keeps is the state, and the records that it has read and not folded yet; the log itself
    may be as long as it likes.

    Parameters:
        reader: of all that is mirrored; it is moved to the beginning.
        on_progress: is told how many records were read, and how many there are.
    """

    def __init__(self, reader: Subscriber, on_progress: Callable[[int, int], None]) -> None:
        reader.seek({})
        self._reader = reader
        self._on_progress = on_progress
        self._ahead: deque[Record] = deque()
        self._next: dict[Place, int] = {}  # offset that is read next
        self._read = 0
        self._total = sum(reader.lag().values())
        self.state = TwinState()
        self.records = 0  # folded
        self.begins: dict[Place, int] = {}  # the first offset of each partition

    @property
    def expired(self) -> list[str]:
        """Partitions whose beginning is gone, in words: the broker keeps a log for a time only."""
        return [
            f"{topic}/{partition} begins at offset {offset}"
            for (topic, partition), offset in sorted(self.begins.items())
            if offset > 0
        ]

    def read(self) -> int:
        """Read on; return how many records came. None come at the end of the log."""
        if sum(self._reader.lag().values()) == 0:
            return 0
        messages = self._reader.poll(_AT_ONCE, _PATIENCE_S)
        for message in messages:
            self._take(message)
        self._read += len(messages)
        self._total = max(self._total, self._read)
        self._on_progress(self._read, self._total)
        return len(messages)

    def read_to_the_end(self) -> None:
        """Read all that there is by now."""
        while sum(self._reader.lag().values()) > 0:
            self.read()

    def upto(self, position: Mapping[Place, int]) -> TwinState:
        """Return the state at a position, or at the log's end where that comes sooner.

        Parameters:
            position: last offset of each partition; never less than at the last call.
        """
        while True:
            self._fold(position)
            if self.covers(position):
                return self.state
            if not self.read() and sum(self._reader.lag().values()) == 0:
                return self.state

    def covers(self, position: Mapping[Place, int]) -> bool:
        """Return whether all records up to a position are read."""
        return all(self._next.get(place, 0) > at for place, at in position.items())

    def cases_ahead(self) -> list[str]:
        """Return the cases of which something is read and not folded yet."""
        events = (record.event for record in self._ahead)
        return list(dict.fromkeys(e.case_id for e in events if isinstance(e, CaseEvent)))

    def _take(self, message: Message) -> None:
        place = message.topic, message.partition
        self.begins.setdefault(place, message.offset)
        self._next[place] = message.offset + 1
        self._ahead.append(record_of(message))

    def _fold(self, position: Mapping[Place, int]) -> None:
        later: deque[Record] = deque()
        for record in self._ahead:
            if record.offset <= position.get((record.topic, record.partition), -1):
                self.state.apply(record)
                self.records += 1
            else:
                later.append(record)
        self._ahead = later
