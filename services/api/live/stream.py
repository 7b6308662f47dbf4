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
_TOO_OLD: Final = "these records are no longer kept here; read /v1/twin for what they led to"
_OTHER_LOG: Final = "your position is of another log; all that is kept of this one follows"


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


def framed(event: str, data: bytes, cursor: str | None) -> bytes:
    """Return a server-sent event; its id is a cursor, if there is one.

    >>> framed("lost", b"{}", "cases.1")
    b'event: lost\\nid: cases.1\\ndata: {}\\n\\n'
    """
    id_ = b"" if cursor is None else b"id: %s\n" % cursor.encode()
    return b"event: %s\n%sdata: %s\n\n" % (event.encode(), id_, data)


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
        # The offset that it wants next of each partition. None: it has what this history has up
        # to `_at` and nothing else, so it reads on in the same order as others.
        self._next: dict[Place, int] | None = None
        self._came_unix_s = 0.0  # when it came to this history
        # Its position; None while nobody knows what "now" is: the mirror was not read yet.
        self.cursor: str | None = None
        if upto is not None:
            self._go_to(upto)
        if upto is not None or history.begun:
            self.cursor = self._position()

    def _go_to(self, upto: Mapping[Place, int]) -> None:
        """Go to a position, wherever this history has it."""
        moments = self._history.moments
        self._begun, self._at = self._history.begun, moments.first
        self._came_unix_s = self._history.clock()
        self._next = {place: at for place, at in upto.items() if at}
        if self._next == {place: at for place, at in moments.now.upto.items() if at}:
            self._at, self._next = moments.now.revision, None

    def _position(self) -> str:
        if self._next is not None:
            return cursor_of(self._next)
        return self._history.moments.cursor(self._at)

    def next(self) -> bytes:
        """Return the next piece of the stream; empty if there is nothing new."""
        pieces = []
        lost = self._find_place()
        if lost is not None:
            data = json.dumps(lost, separators=(",", ":")).encode()
            pieces.append(framed("lost", data, self._position()))
        moments = self._history.moments
        place = moments.after(self._at)
        for change in moments.changes[place : place + MOST_AT_ONCE]:
            self._at = change.revision
            if self._next is None:
                if self._wants(change):
                    pieces.append(self._lines.line(change))
            elif change.offset >= self._next.get(change.place, 0):
                self._next[change.place] = change.offset + 1
                if self._wants(change):
                    pieces.append(framed("change", told(change), self._position()))
        if self._at == moments.now.revision and not self._is_beyond():
            self._next = None
        if self._history.begun:
            self.cursor = self._position()
        return b"".join(pieces)

    @property
    def has_more(self) -> bool:
        """Whether there is more to read than one piece took."""
        return self._at < self._history.revision or self._begun != self._history.begun

    def _find_place(self) -> dict[str, Any] | None:
        """Find our place in the history as it is now; return what was lost on the way."""
        history = self._history
        if self._begun != history.begun:
            if self.cursor is None:
                self._begun, self._at = history.begun, history.revision
            else:
                self._go_to(upto_of(self.cursor))
        elif self._at < history.moments.first:
            if self._next is None and self.cursor is not None:
                self._go_to(upto_of(self.cursor))
            self._at = history.moments.first
        if self._next is None:
            return None
        complete_unix_s = history.head.complete_unix_s if history.head else None
        if (complete_unix_s or 0.0) > self._came_unix_s and self._is_beyond():
            # All that was on the log when we came is folded, and our place is not among it.
            self._next, self._at = {}, history.moments.first
            return self._lost(_OTHER_LOG)
        lost = self._lost(_TOO_OLD)
        return lost if lost["count"] else None

    def _is_beyond(self) -> bool:
        """Whether it wants what comes after something that is not folded yet."""
        upto = self._history.moments.now.upto
        return self._next is not None and any(
            upto.get(place, 0) < at for place, at in self._next.items()
        )

    def _lost(self, why: str) -> dict[str, Any]:
        """Return what is no longer kept and this reader has not got, and pass over it."""
        wanted, by_topic = self._next or {}, Counter[str]()
        for place, at in self._history.moments.oldest.upto.items():
            missed = at - wanted.get(place, 0)
            if missed > 0:
                by_topic[place[0]] += missed
                wanted[place] = at
        self._next = wanted
        return {"count": by_topic.total(), "by_topic": dict(sorted(by_topic.items())), "why": why}
