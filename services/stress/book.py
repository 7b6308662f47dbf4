"""What became of each case of a load: due, sent or shed, answered; times of one clock."""

import math
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NEVER: Final = math.nan
SHED: Final = 1
REJECTED: Final = 2


@dataclass(frozen=True, slots=True)
class Entries:
    """A copy of the book as arrays, case by case in the order in which they were due."""

    due_s: NDArray[np.float64]
    sent_s: NDArray[np.float64]  # NaN where shed
    answered_s: NDArray[np.float64]  # NaN where not answered
    level: NDArray[np.int64]
    shed: NDArray[np.bool_]
    rejected: NDArray[np.bool_]

    @property
    def latency_s(self) -> NDArray[np.float64]:
        """Answer less due time of the cases that were let in, and infinity for no answer."""
        taken = self.answered_s - self.due_s
        return np.where(np.isnan(taken), np.inf, taken)[~self.shed]

    def within(self, from_s: float, to_s: float) -> "Entries":
        """Return those that were due from one time on and before another."""
        first, end = np.searchsorted(self.due_s, [from_s, to_s], side="left")
        cut = slice(int(first), int(end))
        return Entries(
            self.due_s[cut],
            self.sent_s[cut],
            self.answered_s[cut],
            self.level[cut],
            self.shed[cut],
            self.rejected[cut],
        )


class Book:
    """Kept by the sender, who adds cases, and the listener, who notes answers.

    Arrays of plain numbers: half an hour at a hundred a second is a few megabytes, and no object
    is made for a case. Each entry has one writer, and a write is one step of the interpreter.

    Parameters:
        tag: begins the ids of all its cases.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._due_s, self._sent_s, self._answered_s = array("d"), array("d"), array("d")
        self._level, self._state = array("b"), array("b")
        self.sent = 0
        self.answered = 0
        self.again = 0  # answers for cases that were answered already
        self.shed: Counter[int] = Counter()  # by level
        self._first_open = 0

    def __len__(self) -> int:
        return len(self._due_s)

    @property
    def lag(self) -> int:
        """Cases that were sent and are not answered."""
        return self.sent - self.answered

    def case_id(self, number: int) -> str:
        """Return the id of a case."""
        return f"{self.tag}-{number:07d}"

    def number(self, case_id: str | None) -> int | None:
        """Return the number of a case; None for others' cases."""
        if case_id is None or not case_id.startswith(f"{self.tag}-"):
            return None
        text = case_id[len(self.tag) + 1 :]
        number = int(text) if text.isdecimal() else -1
        return number if 0 <= number < len(self._due_s) else None

    def add(self, due_s: float, level: int, now: Callable[[], float], *, admitted: bool) -> int:
        """Note that a case is due, and sent now or shed; return its number.

        It is noted before it is sent: its answer may be there at once.
        """
        number = len(self._due_s)
        self._sent_s.append(now() if admitted else _NEVER)
        self._answered_s.append(_NEVER)
        self._level.append(level)
        self._state.append(0 if admitted else SHED)
        self._due_s.append(due_s)
        if admitted:
            self.sent += 1
        else:
            self.shed[level] += 1
        return number

    def answer(self, number: int, at_s: float, *, rejected: bool) -> None:
        """Note an answer; the first one counts."""
        if not math.isnan(self._answered_s[number]):
            self.again += 1
            return
        self._answered_s[number] = at_s
        if rejected:
            self._state[number] |= REJECTED
        self.answered += 1

    def oldest_open_s(self) -> float | None:
        """Return when the first case was due that was sent and is not answered."""
        while self._first_open < len(self._due_s) and (
            self._state[self._first_open] & SHED
            or not math.isnan(self._answered_s[self._first_open])
        ):
            self._first_open += 1
        return self._due_s[self._first_open] if self._first_open < len(self._due_s) else None

    def entries(self, first: int = 0) -> Entries:
        """Return a copy of what is known now, from a case's number on."""
        end = len(self._due_s)

        def column(kept: "array[float] | array[int]") -> NDArray[np.generic]:
            return np.array(kept[first:end])

        state = column(self._state).astype(np.int64)
        return Entries(
            due_s=column(self._due_s).astype(np.float64),
            sent_s=column(self._sent_s).astype(np.float64),
            answered_s=column(self._answered_s).astype(np.float64),
            level=column(self._level).astype(np.int64),
            shed=(state & SHED) > 0,
            rejected=(state & REJECTED) > 0,
        )

    def recent(self, from_s: float) -> Entries:
        """Return a copy of what was due from a time on."""
        return self.entries(bisect_left(self._due_s, from_s))

    def sent_ids(self) -> list[str]:
        """Return the ids of all cases that were sent."""
        return [self.case_id(n) for n, state in enumerate(self._state) if not state & SHED]
