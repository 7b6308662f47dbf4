"""The loop that keeps a mirror of the log: poll, decode, fold, commit."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final

from services.bus.port import Message, Place, Subscriber
from services.bus.reading import read
from services.mirror.freshness import Freshness, Marks
from services.mirror.judge import Judge
from services.mirror.port import StateMirror
from services.mirror.records import record_of
from services.wall_clock import unix_s
from twin.errors import DependencyError, EventError
from twin.state import Record

POLL_S: Final = 0.05
MOST_PER_BATCH: Final = 256  # bounds the size of one transaction: assumption
# A transaction costs as much for one record as for twenty, so few are left to gather for a moment.
FEW: Final = 64
GATHER_S: Final = 0.03  # a third of what a verdict may take to Redis (benchmark mirror_delay)
MOST_HELD: Final = 20_000  # polled ahead by a mirror that is made late: assumption
BEAT_S: Final = 0.25  # how often the log's end is asked for, and so the grain of the freshness
# Waits between tries when a server fails, about a minute in all. Short ones: a server that is back
# must not wait for the mirror. Assumption.
RETRY_WAITS_S: Final = (0.25, 0.5, *[1.0] * 60)


class Mirror:
    """Folds what a subscriber reads into a mirror.

    It resumes at the position that the mirror holds, not at the group's: position and state are
    written together, so a store that was wiped is rebuilt from the beginning of the log, and one
    that belongs to another log, which this one is too short for, is wiped first. What it commits
    is for onlookers.

    Parameters:
        judge: sends dead letters; None where nobody keeps any. With one, it begins where both the
            mirror and the letters are.
        delay_s: folds each record so long after it was sent: for trying out what people see of a
            mirror that is late.
        clock: the Unix time in seconds.
        tell: is told in words when what is stored is made again.
    """

    def __init__(
        self,
        subscriber: Subscriber,
        mirror: StateMirror,
        *,
        judge: Judge | None = None,
        delay_s: float = 0.0,
        clock: Callable[[], float] = unix_s,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._subscriber = subscriber
        self._mirror = mirror
        self._judge = judge
        self._folded: dict[Place, int] = {}  # next offset to fold, of partitions that were read
        self._delay_s = delay_s
        self._clock = clock
        self._tell = tell
        self._aligned = False
        self._held: deque[Message] = deque()  # polled and not yet folded
        self._polled: dict[Place, int] = {}  # next offset to poll
        self._marks = Marks()
        self._behind: Counter[str] = Counter()  # not polled when the log's end was asked for last
        self._turn, self._busy = threading.Lock(), threading.Lock()
        self._told_s = self._asked_s = 0.0
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
                folded = self.step(POLL_S)
                failures = 0
                if 0 < folded < FEW:
                    stop.wait(GATHER_S)
            except DependencyError:
                if failures == len(RETRY_WAITS_S):
                    raise
                # A store that was away may have come back empty, or as it was a while ago.
                self._aligned = False
                self.retries += 1
                stop.wait(RETRY_WAITS_S[failures])
                failures += 1

    def step(self, timeout_s: float) -> int:
        """Fold one batch; return how many records it had. A failed step is taken up again."""
        with self._alone():
            self._align()
            if len(self._held) < (MOST_HELD if self._delay_s else 1):
                for message in self._subscriber.poll(MOST_PER_BATCH, timeout_s):
                    self._held.append(message)
                    self._polled[message.topic, message.partition] = message.offset + 1
            self._ask_for_the_end()
            due = self._due()
            if not due:
                self._beat()
                self._judge_those_that_wait()
                return 0
            records = [self._record_of(message) for message in due]
            if self._judge is not None:
                self._judge.flush()
            upto = {(record.topic, record.partition): record.offset + 1 for record in records}
            self._marks.folded(upto)
            changes = self._mirror.apply(records, self._fresh(len(due)))
            for _ in due:
                self._held.popleft()
            self._told_s = time.monotonic()
            self.records += len(records)
            self.changes += changes
            self.invalid += sum(record.event is None for record in records)
            self._commit(due, upto)
            return len(records)

    def _record_of(self, message: Message) -> Record:
        if self._judge is None:
            return record_of(message)
        event = None
        try:
            event = read(message)
        except EventError as error:
            self._judge.refuse(message, error)
        return Record(message.topic, message.partition, message.offset, event, message.sent_unix_ms)

    def _commit(self, batch: Sequence[Message], upto: Mapping[Place, int]) -> None:
        self._folded.update(upto)
        if self._judge is None:
            self._subscriber.commit(upto)
            return
        self._judge.dispute(batch, self._mirror.disputes, self._clock())
        settled = self._settle()
        self._judge.flush()
        self._subscriber.commit(self._judge.upto(self._folded if settled else upto))

    def _judge_those_that_wait(self) -> None:
        if self._judge is not None and self._settle():
            self._judge.flush()
            self._subscriber.commit(self._judge.upto(self._folded))

    def _settle(self) -> bool:
        """Judge messages that have waited long enough for their case; return whether any had."""
        assert self._judge is not None
        due = self._judge.due(self._marks.complete_unix_s)
        if due:
            self._judge.settle(due, self._mirror.arrived(sorted(set(due))))
        return bool(due)

    def _due(self) -> list[Message]:
        """Return the next batch: of a mirror that is made late, what is old enough."""
        batch = list(islice(self._held, MOST_PER_BATCH))
        if not self._delay_s:
            return batch
        until_ms = (self._clock() - self._delay_s) * 1000
        late = next((n for n, one in enumerate(batch) if one.sent_unix_ms > until_ms), len(batch))
        return batch[:late]

    def _ask_for_the_end(self) -> None:
        """Note where the log ends, now and then: what was sent before is complete by then."""
        if time.monotonic() - self._asked_s < BEAT_S:
            return
        asked_unix_s = self._clock()
        lag = self._subscriber.lag()
        self._marks.put(
            asked_unix_s, {place: self._polled.get(place, 0) + n for place, n in lag.items()}
        )
        self._behind = Counter()
        for (topic, _), behind in lag.items():
            self._behind[topic] += behind
        self._asked_s = time.monotonic()

    def _fresh(self, folding: int = 0) -> Freshness:
        behind = Counter(self._behind)
        for message in islice(self._held, folding, None):
            behind[message.topic] += 1
        return Freshness(complete_unix_s=self._marks.complete_unix_s, behind=behind)

    def _beat(self) -> None:
        """Let the store know how fresh it is when there is nothing to fold."""
        if time.monotonic() - self._told_s > BEAT_S:
            self._mirror.apply([], self._fresh())
            self._told_s = time.monotonic()

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
        if (stale := self._mirror.stale()) is not None:
            if self._tell is not None:
                self._tell(f"{stale}; it is made again from the log")
            self._mirror.wipe()
        self._go_to(self._mirror.position())
        if any(behind < 0 for behind in self._subscriber.lag().values()):
            self._mirror.wipe()
            self._go_to({})
        if self._judge is not None:
            committed = self._subscriber.committed()
            self._judge.begin(committed)
            # What was folded and not judged is read again: the fold passes it over.
            self._go_to(
                {
                    place: min(at - 1, committed.get(place, 0) - 1)
                    for place, at in self._polled.items()
                }
            )
        self._aligned = True

    def _go_to(self, position: Mapping[Place, int]) -> None:
        upto = {place: at + 1 for place, at in position.items()}
        self._subscriber.seek(upto)
        self._held.clear()
        self._folded.clear()
        self._polled = dict(upto)
        self._marks = Marks()
        self._marks.folded(upto)
