"""Who is turned away when the twin cannot keep up: the least urgent first, and for a while.

What decides is the wait that a case would meet now, estimated from how many wait and how fast they
are served. Each level of urgency has a wait above which it is shed, rising with its urgency; so
whatever is shed, everything less urgent is shed, too.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = (
    10.0  # over which service is measured: some batches of the slowest twin; assumption
)
# The most urgent cases are turned away only where the wait is so many times `above`: they would be
# answered after whoever waits for them has given up. Assumption.
HARD_FACTOR: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    answered: int
    busy_s: float


class ExpectedWait:
    """Estimates how long a case that comes now will wait for its answer.

    The pace of service is what was answered in a window over the time in it in which anybody
    waited: an idle twin is not a slow one. Between answers the pace is the last that was known, and
    the silence is added.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._looks: deque[_Look] = deque()
        self._pace_per_s: float | None = None
        self._silent_since_s = 0.0
        self._backlog = 0

    @property
    def pace_per_s(self) -> float | None:
        """Answers per second while somebody waits; None before the first."""
        return self._pace_per_s

    def observe(self, at_s: float, backlog: int, answered: int) -> float:
        """Return the wait in seconds that a case meets which comes now; 0 while no pace is known.

        Parameters:
            at_s: any clock that only goes forward.
            backlog: cases that were sent and not answered.
            answered: cases that were answered since the start.
        """
        last = self._looks[-1] if self._looks else _Look(at_s, answered, 0.0)
        if answered > last.answered or not self._backlog or not self._looks:
            self._silent_since_s = at_s
        busy_s = last.busy_s + (at_s - last.at_s if self._backlog else 0.0)
        self._backlog = backlog
        self._looks.append(_Look(at_s, answered, busy_s))
        while len(self._looks) > 2 and self._looks[1].at_s <= at_s - self._window_s:
            self._looks.popleft()
        first = self._looks[0]
        served, worked_s = answered - first.answered, busy_s - first.busy_s
        # Only when an answer comes: silence would make a pace that was good a slow one.
        if answered > last.answered and worked_s > 0:
            self._pace_per_s = served / worked_s
        if not backlog or self._pace_per_s is None:
            return 0.0
        return backlog / self._pace_per_s + at_s - self._silent_since_s


class Shedding:
    """Says which levels are let in; level 0 is the most urgent.

    A level that is shed comes back once the wait is below `keep` of what it was shed at: without
    that, cases would be let in and turned away in turns.

    Parameters:
        levels: how many there are.
        above_s: expected wait above which the least urgent is shed; twice that for the next, and
            so on.
        keep: share of such a limit below which its level is let in again, 0 to 1.
        hard_s: the limit of the most urgent level; `HARD_FACTOR` times `above_s` if None.

    >>> shedding = Shedding(levels=2, above_s=5, keep=0.5)
    >>> shedding.update(6), shedding.admits(0), shedding.admits(1)
    (1, True, False)
    >>> shedding.update(3), shedding.update(2)
    (1, 0)
    """

    def __init__(
        self, *, levels: int, above_s: float, keep: float, hard_s: float | None = None
    ) -> None:
        rising = [above_s * (place + 1) for place in range(levels - 1)]
        hard_s = above_s * max(HARD_FACTOR, levels) if hard_s is None else hard_s
        self.limits_s: Sequence[float] = (*rising, hard_s)  # least urgent first
        self._levels, self._keep = levels, keep
        self.shed_levels = 0  # how many, from the least urgent

    def update(self, expected_wait_s: float) -> int:
        """Take in the wait that a case meets now; return how many levels are shed."""
        while self.shed_levels < self._levels and expected_wait_s > self.limits_s[self.shed_levels]:
            self.shed_levels += 1
        while self.shed_levels and (
            expected_wait_s < self._keep * self.limits_s[self.shed_levels - 1]
        ):
            self.shed_levels -= 1
        return self.shed_levels

    def admits(self, level: int) -> bool:
        """Return whether cases of a level are let in now."""
        return level < self._levels - self.shed_levels
