"""A load on a twin: courses of cases sent to its log, and its answers followed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.background import Background
from services.bus.port import Publisher, Subscriber
from services.stress.book import Book
from services.stress.cases import Cases
from services.stress.levels import Levels
from services.stress.listening import listening
from services.stress.sending import Gate, confirm_often, course_of, send_all
from services.stress.sure import SurePublisher
from simulator.draws.streams import stream
from twin.errors import DependencyError
from twin.shedding import Shedding

LOOK_S: Final = 0.05  # how often the twin is looked after while it is loaded
# The first case waits for learners that load and libraries that compile: assumption.
FIRST_TIMEOUT_S: Final = 180.0

Floats = NDArray[np.float64]


@dataclass(slots=True, kw_only=True)
class Load:
    """Sends and follows; made by `load_on`.

    One thread sends, one reads answers, one waits for acknowledgements; the caller's own looks
    after the twin in the meantime.
    """

    book: Book
    gate: Gate
    sure: SurePublisher
    _cases: Cases
    _levels: Levels
    _seed: int
    _look: Callable[[], None]
    _loops: list[Background]
    _parts: int = 0
    began_s: float = 0.0  # event time 0, by the clock

    def send(
        self,
        due_s: Floats,
        *,
        is_hopeless: Callable[[], bool] | None = None,
        gated: bool = True,
    ) -> bool:
        """Send a case at each time of the clock, and return when the last was sent.

        Parameters:
            due_s: sorted.
            is_hopeless: asked again and again; ends the sending early.
            gated: whether cases may be shed.

        Returns:
            Whether all were sent.
        """
        draws = stream(self._seed, 0, "stress.classes", str(self._parts))
        self._parts += 1
        course = course_of(due_s, self._levels.draw(len(due_s), draws), self._levels.level)
        gate = self.gate if gated else Gate(self.book, None)
        over, given_up = threading.Event(), threading.Event()

        def run(stop: threading.Event) -> None:
            try:
                send_all(
                    course,
                    self._cases,
                    self.book,
                    gate,
                    self.sure.publish,
                    lambda: stop.is_set() or given_up.is_set(),
                    began_s=self.began_s,
                )
            finally:
                over.set()

        sender = Background("stress-sender", run)
        try:
            while not over.wait(LOOK_S):
                self.look()
                if is_hopeless is not None and is_hopeless():
                    given_up.set()
        finally:
            sender.stop()
        return not given_up.is_set()

    def await_answers(self, timeout_s: float) -> bool:
        """Wait until all that was sent is answered; return whether it was."""
        deadline_s = time.monotonic() + timeout_s
        while self.book.lag > 0:
            if time.monotonic() > deadline_s:
                return False
            self.look()
            time.sleep(LOOK_S)
        return True

    def first_answers(self, cases: int = 1) -> float:
        """Send some cases to a twin that has just come up; return how long the last answer took.

        Raises:
            DependencyError: an answer did not come.
        """
        began_s = time.monotonic()
        self.send(np.full(cases, began_s), gated=False)
        if not self.await_answers(FIRST_TIMEOUT_S):
            raise DependencyError(f"no answer to a first case within {FIRST_TIMEOUT_S:g} s")
        return time.monotonic() - began_s

    def look(self) -> None:
        """Look after the twin, and raise what ended a loop of ours."""
        for loop in self._loops:
            loop.check()
        self._look()


@contextmanager
def load_on(
    publisher: Publisher,
    answers: Subscriber,
    *,
    cases: Cases,
    levels: Levels,
    seed: int,
    tag: str,
    shedding: Shedding | None,
    look: Callable[[], None],
) -> Iterator[Load]:
    """Follow a twin's answers while the block lasts.

    Parameters:
        answers: subscriber to its verdicts.
        tag: begins the cases' ids; no other load on the same log may have it.
        look: looks after the twin; called several times a second.
    """
    book = Book(tag)
    sure = SurePublisher(publisher)
    loops = [
        Background("stress-listener", listening(answers, book)),
        Background("stress-confirmer", confirm_often(sure)),
    ]
    load = Load(
        book=book,
        gate=Gate(book, shedding),
        sure=sure,
        _cases=cases,
        _levels=levels,
        _seed=seed,
        _look=look,
        _loops=loops,
        began_s=time.monotonic(),
    )
    failed = True
    try:
        yield load
        failed = False
    finally:
        for loop in loops:
            try:
                loop.stop()
            except DependencyError:
                if not failed:  # what the caller raises counts more
                    raise
