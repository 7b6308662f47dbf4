"""The state of the twin at any revision that is kept: counts, components, position.

Every record adds what it adds; so a state in the past is the last one that was set aside before
it and what came since. One is set aside every few hundred records.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.api.live.change import Change
from services.api.live.cursor import cursor_of
from services.bus.port import Place
from twin.events import ComponentChanged

EVERY: Final = 512  # records between two states that are set aside: some milliseconds of work
KEPT: Final = 50_000  # as many as the mirror keeps (`redis_mirror.CHANGES_KEPT`)
_SLACK: Final = 10 * EVERY  # old ones go in blocks: a list gives up its head at the cost of all


@dataclass(slots=True, kw_only=True)
class Moment:
    """What the records up to a revision add up to."""

    revision: int
    counts: dict[str, int]
    upto: dict[Place, int]  # next offset to fold
    components: dict[str, ComponentChanged]
    latest_min: float = 0.0  # latest event time

    def copy(self) -> "Moment":
        """Return a moment of its own."""
        return Moment(
            revision=self.revision,
            counts=dict(self.counts),
            upto=dict(self.upto),
            components=dict(self.components),
            latest_min=self.latest_min,
        )

    def add(self, change: Change) -> None:
        """Take the next record in."""
        self.revision = change.revision
        for name, more in change.deltas.items():
            self.counts[name] = self.counts.get(name, 0) + more
        self.upto[change.place] = change.offset + 1
        event = change.event
        if isinstance(event, ComponentChanged):
            self.components[event.component] = event
        elif event is not None and change.changed:
            self.latest_min = max(self.latest_min, event.at_min)


@dataclass(slots=True)
class Moments:
    """The latest records, and the state at each of them."""

    now: Moment
    changes: list[Change] = field(default_factory=list)  # in order of revision, without a gap
    cursors: list[str] = field(default_factory=list)  # position after each of them
    _aside: list[Moment] = field(default_factory=list)  # in order; the first is before all changes

    def __post_init__(self) -> None:
        self._aside = [self.now.copy()]

    @property
    def first(self) -> int:
        """The earliest revision that can be asked for."""
        return self._aside[0].revision

    def add(self, change: Change) -> list[Change]:
        """Take the next record in; return those that are no longer kept."""
        self.now.add(change)
        self.changes.append(change)
        self.cursors.append(cursor_of(self.now.upto))
        if change.revision - self._aside[-1].revision >= EVERY:
            self._aside.append(self.now.copy())
        if len(self.changes) < KEPT + _SLACK:
            return []
        place = bisect_right(self._aside, self.now.revision - KEPT, key=lambda one: one.revision)
        del self._aside[: max(0, place - 1)]
        gone = self.changes[: self.first - self.changes[0].revision + 1]
        del self.changes[: len(gone)]
        del self.cursors[: len(gone)]
        return gone

    def after(self, revision: int) -> int:
        """Return the place in `changes` of the first record after a revision."""
        if not self.changes:
            return 0
        return max(0, revision + 1 - self.changes[0].revision)

    def cursor(self, revision: int) -> str:
        """Return the position after a revision that is kept."""
        place = self.after(revision) - 1
        return self.cursors[place] if place >= 0 else cursor_of(self._aside[0].upto)

    @property
    def oldest(self) -> Moment:
        """The state before all changes that are kept."""
        return self._aside[0]

    def at(self, revision: int) -> Moment:
        """Return the state at a revision that is kept, as a copy.

        Raises:
            KeyError: it is not kept any more, or not there yet.
        """
        if not self.first <= revision <= self.now.revision:
            raise KeyError(revision)
        place = bisect_right(self._aside, revision, key=lambda one: one.revision)
        moment = self._aside[place - 1].copy()
        for change in self.changes[self.after(moment.revision) : self.after(revision)]:
            moment.add(change)
        return moment

    def revision_at(self, unix_ms: float) -> int:
        """Return the last revision that was folded by a moment.

        Raises:
            KeyError: the moment is before all that is kept.
        """
        place = bisect_right(self.changes, unix_ms, key=lambda one: one.folded_unix_ms)
        if place:
            return self.changes[place - 1].revision
        raise KeyError(unix_ms)


def before(
    counts: Mapping[str, int],
    upto: Mapping[Place, int],
    components: Mapping[str, ComponentChanged],
    revision: int,
    changes: list[Change],
) -> Moment:
    """Return the state from before some changes, given that after them.

    Parameters:
        components: as they were before; those that are not known are left out.
    """
    then = Moment(
        revision=revision - len(changes),
        counts=dict(counts),
        upto=dict(upto),
        components=dict(components),
        latest_min=changes[0].before_min if changes else 0.0,
    )
    for change in reversed(changes):
        for name, more in change.deltas.items():
            then.counts[name] = then.counts.get(name, 0) - more
        then.upto[change.place] = change.offset
    return then
