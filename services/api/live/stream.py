"""What one reader of the event stream gets: every change once, in order, or how much it lost.

A reader holds no queue: it has a place in the history, which keeps the latest changes for all. A
reader that is so slow that its place is no longer kept is told what it lost.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from services.api.live.change import Change, told
from services.api.live.cursor import cursor_of, upto_of
from services.api.live.history import History
from services.bus.port import Place

MOST_AT_ONCE: Final = 500  # changes in one piece, so that others get their turn
_WHY: Final = "these records are no longer kept here; read /v1/twin for what they led to"


class Lines:
    """Changes as they are sent, written once for all readers that are at the same place."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._begun = -1
        self._kept: dict[int, bytes] = {}

    def line(self, change: Change) -> bytes:
        """Return a change with the cursor that all have who read in the mirror's order."""
        if self._begun != self._history.begun:
            self._begun = self._history.begun
            self._kept.clear()
        known = self._kept.get(change.revision)
        if known is None:
            cursor = self._history.moments.cursor(change.revision)
            known = self._kept[change.revision] = framed("change", told(change), cursor)
            if len(self._kept) > 4 * MOST_AT_ONCE:
                for revision in sorted(self._kept)[: 2 * MOST_AT_ONCE]:
                    del self._kept[revision]
        return known


def framed(event: str, data: bytes, cursor: str) -> bytes:
    """Return a server-sent event; its id is a cursor.

    >>> framed("lost", b"{}", "cases.1")
    b'event: lost\\nid: cases.1\\ndata: {}\\n\\n'
    """
    return b"event: %s\nid: %s\ndata: %s\n\n" % (event.encode(), cursor.encode(), data)


class Reader:
    """One reader's place.

    Parameters:
        upto: position to go on from; None for now.
        wants: which changes it asked for.
    """

    def __init__(
        self,
        history: History,
        lines: Lines,
        upto: Mapping[Place, int] | None,
        wants: Callable[[Change], bool],
    ) -> None:
        self._history = history
        self._lines = lines
        self._wants = wants
        self._begun = history.begun
        self._at = history.revision  # what it got last, in the order of this history
        # What it has and this history has not, or not in this order: until the two agree.
        self._ahead: dict[Place, int] = {}
        if upto is not None:
            self._go_to(upto)
        self.cursor = self._position()

    def _go_to(self, upto: Mapping[Place, int]) -> None:
        moments = self._history.moments
        self._begun = self._history.begun
        self._ahead = {place: at for place, at in upto.items() if at}
        self._at = moments.first
        if self._ahead == {place: at for place, at in moments.now.upto.items() if at}:
            self._at, self._ahead = self._history.revision, {}

    def _position(self) -> str:
        cursor = self._history.moments.cursor(self._at)
        if not self._ahead:
            return cursor
        upto = upto_of(cursor)
        for place, at in self._ahead.items():
            upto[place] = max(at, upto.get(place, 0))
        return cursor_of(upto)

    def next(self) -> bytes:
        """Return the next piece of the stream; empty if there is nothing new."""
        history, moments = self._history, self._history.moments
        if self._begun != history.begun:
            self._go_to(upto_of(self.cursor))
        pieces = []
        lost = self._lost()
        if lost is not None:
            data = json.dumps(lost, separators=(",", ":")).encode()
            pieces.append(framed("lost", data, self._position()))
        place = moments.after(self._at)
        for change in moments.changes[place : place + MOST_AT_ONCE]:
            self._at = change.revision
            if not self._ahead:
                if self._wants(change):
                    pieces.append(self._lines.line(change))
            elif change.offset >= self._ahead.get(change.place, 0):
                self._ahead[change.place] = change.offset + 1
                if self._wants(change):
                    pieces.append(framed("change", told(change), self._position()))
        now = moments.now.upto
        caught_up = all(now.get(place, 0) >= at for place, at in self._ahead.items())
        if self._at == history.revision and caught_up:
            self._ahead = {}
        self.cursor = self._position()
        return b"".join(pieces)

    @property
    def has_more(self) -> bool:
        """Whether there is more to read than one piece took."""
        return self._at < self._history.revision or self._begun != self._history.begun

    def _lost(self) -> dict[str, Any] | None:
        """Return what is no longer kept and this reader has not got, once; None if nothing is."""
        moments = self._history.moments
        if self._at > moments.first:
            return None
        mine = self._ahead or (upto_of(self.cursor) if self._at < moments.first else None)
        self._at = moments.first
        if mine is None:  # it is where the history begins
            return None
        by_topic: Counter[str] = Counter()
        for place, at in moments.oldest.upto.items():
            by_topic[place[0]] += max(0, at - mine.get(place, 0))
            if at > mine.get(place, 0):
                mine[place] = at
        self._ahead = dict(mine)
        count = sum(by_topic.values())
        if not count:
            return None
        return {"count": count, "by_topic": {t: n for t, n in by_topic.items() if n}, "why": _WHY}
