"""What the API knows of the twin: the state now, the latest records, and any moment among them.

All of it belongs to the event loop's thread: the follower hands over what it has read.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.api.live.case_book import CaseBook
from services.api.live.change import Change
from services.api.live.flow import Flow
from services.api.live.moments import Moment, Moments, before
from services.api.live.series import Series
from services.wall_clock import unix_s
from twin.events import ComponentChanged, StackEvent, StackPromoted
from twin.state import COUNTED, SHELF_OF, CaseState, TwinState, shelf_key

STALE_S: Final = 1.2  # a healthy mirror is complete up to a quarter of a second ago: assumption
SILENT_S: Final = 1.0  # Redis is asked several times a second: assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the mirror says of itself."""

    generation: str
    revision: int
    updated_unix_s: float | None
    complete_unix_s: float | None  # everything sent before is folded
    behind: Mapping[str, int]  # records not folded yet, by topic
    attached: Sequence[Mapping[str, Any]] = ()  # runs that stream into this twin


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a history begins with."""

    head: Head
    state: TwinState  # at the head's revision; without cases
    changes: Sequence[Change]  # the latest ones, up to the head's revision
    # At the head's revision: those of which those changes do not tell all.
    cases: Mapping[str, CaseState] = field(default_factory=dict)


class History:
    """See the module.

    Parameters:
        clock: the Unix time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = unix_s) -> None:
        self.clock = clock
        self.head: Head | None = None  # None until the mirror was read for the first time
        self.heard_unix_s = 0.0  # when Redis answered last
        self._written_unix_s: float | None = None  # when the mirror wrote last; None: not yet seen
        self.trouble = "the mirror was not read yet"  # why it does not; of no meaning if it does
        self.begun = 0  # how many times the history began anew
        self._clear(TwinState())
        self._news = asyncio.Event()
        self._told = ""  # state that was told last
        # Told of every latency as it is folded, in seconds: for histograms, which only grow.
        self.on_latency: Callable[[float], None] | None = None

    def _clear(self, state: TwinState) -> None:
        nothing = dict.fromkeys(COUNTED, 0)
        self.moments = Moments(Moment(revision=0, counts=nothing, upto={}, components={}))
        self.book = CaseBook()
        self.series = Series()
        self.flow = Flow()
        self.shelves: dict[str, dict[Any, StackEvent]] = {
            name: dict(getattr(state, name)) for name in sorted(set(SHELF_OF.values()))
        }
        self._shelved: dict[tuple[str, Any], int] = {}  # revision; 0 if it is older than all kept

    # What happens

    @classmethod
    def of(cls, snapshot: Snapshot) -> "History":
        """Return a history that has begun so. It takes seconds, and may do so in any thread."""
        history = cls()
        history._build(snapshot)
        return history

    def begin(self, snapshot: Snapshot, built: "History | None" = None) -> None:
        """Forget everything, and begin with what the mirror holds now.

        Parameters:
            built: of that snapshot, if somebody made it before.
        """
        made = built or History.of(snapshot)
        self.moments, self.book, self.series = made.moments, made.book, made.series
        self.flow, self.shelves, self._shelved = made.flow, made.shelves, made._shelved
        self.begun += 1
        self._hear(snapshot.head)
        self._tell()

    def _build(self, snapshot: Snapshot) -> None:
        state, changes, revision = snapshot.state, list(snapshot.changes), snapshot.head.revision
        self._clear(state)
        upto = {place: at + 1 for place, at in state.position.items()}
        self.moments = Moments(before(state.counts, upto, state.components, revision, changes))
        self.book.learn(snapshot.cases)
        for change in changes:
            self._add(change)

    def take(
        self, changes: Sequence[Change], head: Head, cases: Mapping[str, CaseState] | None = None
    ) -> None:
        """Take in what was folded since, and what the mirror says of itself.

        Parameters:
            cases: after the last of the changes, those of which more is known than is kept here.
        """
        self.book.learn(cases or {})
        self.flow.on_latency = self.on_latency  # not of what a mirror folds again
        for change in changes:
            self._add(change)
        self._hear(head)
        if changes:
            self._tell()

    def fail(self, reason: str) -> None:
        """Note that the mirror could not be read, and why."""
        self.trouble = reason
        self.look()

    def look(self) -> None:
        """Tell those who wait if the state is another one: a mirror that is silent tells nobody."""
        if self.state != self._told:
            self._tell()

    def _hear(self, head: Head) -> None:
        before, self.head, self.heard_unix_s = self.head, head, self.clock()
        if before is not None and before.updated_unix_s != head.updated_unix_s:
            self._written_unix_s = self.heard_unix_s
        self.look()

    def _tell(self) -> None:
        self._told = self.state
        self._news.set()
        self._news = asyncio.Event()

    async def changed(self, timeout_s: float) -> None:
        """Wait for the next news of the mirror, no longer than the timeout."""
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except TimeoutError:
            return

    def _add(self, change: Change) -> None:
        for gone in self.moments.add(change):
            self.book.forget(gone)
        event = change.event
        self.flow.add(change)
        if event is None or isinstance(event, ComponentChanged) or not change.changed:
            return
        if isinstance(event, StackEvent):
            shelf, key = SHELF_OF[type(event)], shelf_key(event)
            self.shelves[shelf][key] = event
            self._shelved[shelf, key] = change.revision
            return
        self.book.add(change, event)
        self.series.add(event)

    # What is asked

    @property
    def revision(self) -> int:
        """The latest revision."""
        return self.moments.now.revision

    @property
    def freshness_s(self) -> float | None:
        """Age of the state, seconds: everything sent before then is in it; None: not known."""
        if self.head is None or self.head.complete_unix_s is None:
            return None
        now_unix_s, updated_unix_s = self.clock(), self.head.updated_unix_s
        if self._written_unix_s is None or updated_unix_s is None:
            return max(0.0, now_unix_s - self.head.complete_unix_s)
        # The mirror was seen to write: its own clock says how old the state was then, and ours how
        # long ago that is. So a clock that is wrong there or here is none of the age.
        old_s = updated_unix_s - self.head.complete_unix_s
        return max(0.0, old_s) + now_unix_s - self._written_unix_s

    @property
    def state(self) -> str:
        """One of starting, unreachable, rebuilding, stale, live."""
        if self.head is None:
            return "starting" if not self.heard_unix_s else "unreachable"
        if self.clock() - self.heard_unix_s > SILENT_S:
            return "unreachable"
        age_s = self.freshness_s
        if age_s is None:
            return "rebuilding"
        return "stale" if age_s > STALE_S else "live"

    @property
    def latest_min(self) -> float:
        """The latest event time on the log, minutes."""
        return self.moments.now.latest_min

    def case(self, case_id: str) -> CaseState | None:
        """Return a case as it is now, if it is among those that are kept here."""
        return self.book.cases.get(case_id)

    def shelf(self, name: str, revision: int | None = None) -> dict[Any, Any]:
        """Return epochs, stacks, drift or orders by key, as of a revision."""
        return {
            key: event
            for key, event in self.shelves[name].items()
            if revision is None or self._shelved.get((name, key), 0) <= revision
        }

    @property
    def stacks(self) -> dict[int, Any]:
        """Decisions on the stack, by epoch."""
        return self.shelves["stacks"]

    @property
    def promoted(self) -> dict[int, StackPromoted]:
        """Stack versions that were or are in force."""
        return promoted(self.shelves["stacks"])

    @property
    def stack_events(self) -> list[StackEvent]:
        """Everything that the topic `stacks` told."""
        return [event for shelf in self.shelves.values() for event in shelf.values()]

    @property
    def counts(self) -> Mapping[str, int]:
        """The counts of `twin.state.TwinState`, as they are now."""
        return self.moments.now.counts


def promoted(stacks: Mapping[int, Any]) -> dict[int, StackPromoted]:
    """Return the versions among decisions, by version.

    >>> promoted({})
    {}
    """
    found = [one for one in stacks.values() if isinstance(one, StackPromoted)]
    return {one.version: one for one in sorted(found, key=lambda one: one.version)}
