"""How fresh a mirror is: a moment before which nothing is missing.

A mirror's own last write says nothing of what it has not read. So it asks the log where it ends,
notes when it asked, and once everything up to there is folded, all that was sent before that
moment is in the mirror. Several such marks are under way at once: a mirror that is three seconds
behind says three seconds, not three to six.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.bus.port import Place

MOST_MARKS: Final = (
    4_000  # a quarter of an hour at four a second; then it is told later: assumption
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What a mirror knows of what it does not know."""

    complete_unix_s: float | None = None  # everything sent before is folded; None: not known yet
    behind: Mapping[str, int] = field(default_factory=dict)  # records not folded yet, by topic


@dataclass(slots=True)
class Marks:
    """Ends of the log with the moments at which they were asked for.

    >>> marks = Marks()
    >>> marks.put(10.0, {("cases", 0): 2})
    >>> marks.folded({("cases", 0): 1}); marks.complete_unix_s
    >>> marks.folded({("cases", 0): 2}); marks.complete_unix_s
    10.0
    """

    complete_unix_s: float | None = None
    _at: dict[Place, int] = field(default_factory=dict)  # next offset to fold
    _marks: deque[tuple[float, Mapping[Place, int]]] = field(default_factory=deque)

    def put(self, asked_unix_s: float, ends: Mapping[Place, int]) -> None:
        """Note that the log ended at these offsets when it was asked."""
        if len(self._marks) < MOST_MARKS:
            self._marks.append((asked_unix_s, ends))
        self._settle()

    def folded(self, upto: Mapping[Place, int]) -> None:
        """Note the next offsets to fold; places that are not named stay where they were."""
        self._at.update(upto)
        self._settle()

    def _settle(self) -> None:
        while self._marks:
            asked_unix_s, ends = self._marks[0]
            if any(self._at.get(place, 0) < end for place, end in ends.items()):
                return
            self.complete_unix_s = asked_unix_s
            self._marks.popleft()
