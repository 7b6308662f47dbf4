"""The loop that keeps a mirror of the log: poll, decode, fold, commit."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from services.bus.codec import decode
from services.bus.port import Message, Place, Subscriber
from twin.errors import DependencyError, EventError
from twin.state import Record, TwinState

POLL_S: Final = 0.05
MOST_PER_BATCH: Final = 256  # bounds the size of one transaction: assumption
BEAT_S: Final = 1.0  # so that a mirror which is silent for seconds is known to be dead: assumption
# Waits between tries when a server fails, about half a minute in all: assumption.
RETRY_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class StateMirror(Protocol):
    """Somewhere to keep the folded state, with the position that it was folded up to."""

    def apply(self, records: Sequence[Record]) -> int:
        """Fold a batch in, whole or not at all; return how many records changed something.

        An empty batch only renews the time of the last update.

        Raises:
            DependencyError: the store failed; applying the same batch again is safe.
        """
        ...

    def position(self) -> dict[Place, int]:
        """Return the last offset folded, per partition."""
        ...

    def read_back(self) -> TwinState:
        """Return the whole state as the store has it."""
        ...

    def wipe(self) -> None:
        """Forget everything."""
        ...


def record_of(message: Message) -> Record:
    """Return a message as a record of the log; without an event if its bytes are none."""
    try:
        event = decode(message.schema, message.value)
    except EventError:
        event = None
    return Record(message.topic, message.partition, message.offset, event)


class Mirror:
    """Folds what a subscriber reads into a mirror.

    It resumes at the position that the mirror holds, not at the group's: position and state are
    written together, so a store that was wiped is rebuilt from the beginning of the log, and one
    that belongs to another log, which this one is too short for, is wiped first. What it commits
    is for onlookers.
    """

    def __init__(self, subscriber: Subscriber, mirror: StateMirror) -> None:
        self._subscriber = subscriber
        self._mirror = mirror
        self._aligned = False
        self._held: list[Message] = []  # polled and not yet folded
        self._turn, self._busy = threading.Lock(), threading.Lock()
        self._beat_s = 0.0
        self.records = 0  # taken from the log
        self.changes = 0  # of which changed a case or a component
        self.invalid = 0  # of which were no events
        self.retries = 0

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set.

        Raises:
            DependencyError: a server stayed away through all retries. Nothing is lost.
        """
        failures = 0
        while not stop.is_set():
            try:
                self.step(POLL_S)
                failures = 0
            except DependencyError:
                if failures == len(RETRY_WAITS_S):
                    raise
                self.retries += 1
                stop.wait(RETRY_WAITS_S[failures])
                failures += 1

    def step(self, timeout_s: float) -> int:
        """Fold one batch; return how many records it had. A failed step is taken up again."""
        with self._alone():
            self._align()
            self._held = self._held or self._subscriber.poll(MOST_PER_BATCH, timeout_s)
            if not self._held:
                self._beat()
                return 0
            records = [record_of(message) for message in self._held]
            changes = self._mirror.apply(records)
            upto = {(record.topic, record.partition): record.offset + 1 for record in records}
            self._held = []
            self.records += len(records)
            self.changes += changes
            self.invalid += sum(record.event is None for record in records)
            self._subscriber.commit(upto)
            return len(records)

    def _beat(self) -> None:
        """Let the store know that the mirror is alive when there is nothing to fold."""
        if time.monotonic() - self._beat_s > BEAT_S:
            self._mirror.apply([])
            self._beat_s = time.monotonic()

    def lag(self) -> int:
        """Return how many records the mirror has not folded yet. May be called by any thread."""
        with self._alone():
            self._align()
            return sum(self._subscriber.lag().values()) + len(self._held)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Whoever asks for the lag must get its turn although the loop hardly ever lets go: it
        # holds the first lock while it waits for the second one.
        with self._turn:
            self._busy.acquire()
        try:
            yield
        finally:
            self._busy.release()

    def _align(self) -> None:
        """Go to where the mirror is, once."""
        if self._aligned:
            return
        self._subscriber.seek({place: at + 1 for place, at in self._mirror.position().items()})
        if any(behind < 0 for behind in self._subscriber.lag().values()):
            self._mirror.wipe()
            self._subscriber.seek({})
        self._aligned = True
