"""The open loop: cases are sent when they are due, whatever became of those before."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.stress.book import Book
from services.stress.cases import Cases
from services.stress.sure import SurePublisher
from twin.shedding import ExpectedWait, Shedding

CONFIRM_EVERY_S: Final = 0.5
_LOOK_S: Final = 0.25  # how often an idle sender looks whether it is to stop

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Course:
    """Cases that are to be sent: when each is due, and which class it is of."""

    due_s: NDArray[np.float64]  # of the clock, sorted
    place: NDArray[np.int64]  # of the class
    level: NDArray[np.int64]  # 0 is the most urgent


class Gate:
    """Decides, when a case is due, whether it is let in.

    Parameters:
        shedding: None lets everything in.
    """

    def __init__(self, book: Book, shedding: Shedding | None) -> None:
        self._book, self._shedding = book, shedding
        self.wait = ExpectedWait()
        self.expected_s = 0.0

    @property
    def shed_levels(self) -> int:
        """How many levels are shed now, from the least urgent."""
        return 0 if self._shedding is None else self._shedding.shed_levels

    def admits(self, level: int, now_s: float) -> bool:
        """Return whether a case of a level is let in now."""
        book = self._book
        self.expected_s = self.wait.observe(now_s, book.lag, book.answered)
        if self._shedding is None:
            return True
        self._shedding.update(self.expected_s)
        return self._shedding.admits(level)


def send_all(
    course: Course,
    cases: Cases,
    book: Book,
    gate: Gate,
    publish: Callable[..., None],
    stop: Callable[[], bool],
    *,
    began_s: float,
    clock: Clock = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Send cases at their times; who is late sends at once, and the book shows how late.

    The next event is made while the sender waits for its time. It sleeps and never spins: a spin
    would take a share of the cores from the twin, and the system wakes it within a millisecond.

    Parameters:
        publish: takes an event and waits for nothing.
        stop: tells whether to leave the rest out.
        began_s: event time 0, by the clock.
    """
    for due_s, place, level in zip(
        course.due_s.tolist(), course.place.tolist(), course.level.tolist(), strict=True
    ):
        number = len(book)
        at_min = max(0.0, due_s - began_s) / 60
        event = cases.event(book.case_id(number), number, place, at_min)
        while (left_s := due_s - clock()) > 0:
            if stop():
                return
            sleep(min(left_s, _LOOK_S))
        if stop():
            return
        admitted = gate.admits(level, clock())
        book.add(due_s, level, clock, admitted=admitted)
        if admitted:
            publish(event)


def confirm_often(sure: SurePublisher) -> Callable[[threading.Event], None]:
    """Return a loop that sees to what was sent; the sender itself must not wait."""

    def loop(stop: threading.Event) -> None:
        while not stop.wait(CONFIRM_EVERY_S):
            sure.confirm()

    return loop


def course_of(
    due_s: NDArray[np.float64], place: NDArray[np.int64], level_of: Sequence[int]
) -> Course:
    """Return the course of cases whose classes are known by place."""
    return Course(due_s, place, np.array(level_of, dtype=np.int64)[place])
