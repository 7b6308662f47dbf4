"""A drill: faults at their times, the steady state before, during and after, and the recovery."""

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.faults.injector import Injector, RefusedError, Undo
from services.faults.steady import Condition, Probe, Steadiness
from services.logs import Log
from simulator.language.disturbances import Disturbance
from twin.errors import DependencyError, DermtwinError

LOOK_EVERY_S: Final = 0.25  # the grain of recovery times: assumption
RECOVER_S: Final = 120.0  # a stem that is built again takes half a minute: assumption
_STOP_S: Final = 60.0
NOT_BEGUN: Final = "the run ended before"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOutcome:
    """What came of one fault. Times are seconds from the begin of the load."""

    disturbance: Disturbance
    began_s: float | None  # None: it was not carried out, and `refused` says why
    ended_s: float | None
    recovered_s: float | None  # from its begin; None: the steady state did not come back in time
    recovered_from_end_s: float | None
    steady_before: bool | None  # None: nobody had looked
    steady_during: bool | None
    steady_after: bool | None
    broken: dict[str, float] = field(default_factory=dict)  # conditions that failed, worst values
    refused: str = ""

    @property
    def passed(self) -> bool:
        """It was carried out in the steady state, and the steady state came back."""
        return not self.refused and self.steady_before is not False and bool(self.steady_after)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        names = (
            *("began_s", "ended_s", "recovered_s", "recovered_from_end_s"),
            *("steady_before", "steady_during", "steady_after", "broken", "refused"),
        )
        said = {name: getattr(self, name) for name in names}
        told = {key: _rounded(value) for key, value in said.items()}
        return {"fault": str(self.disturbance), **told, "passed": self.passed}


@dataclass(slots=True)
class _Course:
    """One fault on its way; times are monotonic."""

    disturbance: Disturbance
    began_s: float | None = None
    ended_s: float | None = None
    undo: Undo | None = None
    refused: str = NOT_BEGUN


class Drill:
    """Carries the faults out in a thread of its own, while the load comes.

    Parameters:
        disturbances: with times from the begin of the load.
        conditions: the steady state. Without any, every moment is steady.
        recover_s: how long `finish` waits for it to come back.
        shows_s: how long a fault may take to show; see `Steadiness`.
    """

    def __init__(
        self,
        disturbances: Sequence[Disturbance],
        injector: Injector,
        probe: Probe,
        log: Log,
        *,
        conditions: Sequence[Condition] = (),
        recover_s: float = RECOVER_S,
        shows_s: float = 0.0,
    ) -> None:
        self._courses = [_Course(one) for one in disturbances]
        self._injector = injector
        self._log = log.bind(stage="drill")
        self._steadiness = Steadiness(conditions, probe, shows_s=shows_s)
        self._recover_s = recover_s
        self._began_s = 0.0
        self._stop = threading.Event()
        self._over = threading.Event()  # nobody needs to look any more
        self._threads: list[threading.Thread] = []
        self._outcomes: list[FaultOutcome] | None = None
        self._error: BaseException | None = None

    def begin(self, began_monotonic_s: float) -> None:
        """Start; times of faults count from then."""
        self._began_s = began_monotonic_s
        # Whoever acts may wait for a server to start; somebody has to look meanwhile.
        for name, run in (("drill-looks", self._look), ("drill", self._run)):
            thread = threading.Thread(target=self._guarded, args=(run,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def over(self) -> bool:
        """Every fault has ended, and the steady state has come back from each."""
        return all(self._is_over(course) for course in self._courses)

    def finish(self) -> list[FaultOutcome]:
        """End what is still on, wait for the steady state, and tell what came of all.

        It may be called again: for instance when the block that held the drill is left.

        Raises:
            what ended the drill's own thread, if something did.
        """
        if self._outcomes is None:
            self._stop.set()
            for thread in reversed(self._threads):
                thread.join(self._recover_s + _STOP_S)
                self._over.set()
            self._undo_all()
            self._outcomes = [self._outcome(course) for course in self._courses]
            if self._error is not None:
                raise self._error
        return self._outcomes

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001  handed to whoever calls finish()
            self._error = error
            self._undo_all()

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            self._steadiness.look()

    def _run(self) -> None:
        """Go through begins and ends in the order of their times, then wait for the recovery."""
        turns: list[tuple[float, int, _Course]] = []
        for number, course in enumerate(self._courses):
            heapq.heappush(turns, (self._began_s + course.disturbance.at_s, number, course))
        count = len(turns)
        while turns and not self._stop.wait(max(0.0, turns[0][0] - time.monotonic())):
            _, _, course = heapq.heappop(turns)
            if course.began_s is not None:
                self._end(course)
            elif (end_s := self._start(course)) is not None:
                count += 1
                heapq.heappush(turns, (end_s, count, course))
        self._stop.wait()  # a steady state that is lost late is seen, too
        self._undo_all()
        deadline_s = time.monotonic() + self._recover_s
        while not self.over and self._error is None and time.monotonic() < deadline_s:
            time.sleep(LOOK_EVERY_S)

    def _start(self, course: _Course) -> float | None:
        """Begin a fault; return when it is to end, None where it is over."""
        asked = course.disturbance
        course.began_s = time.monotonic()
        self._log.info("fault", what=str(asked), by_s=asked.by_s, for_s=asked.for_s)
        try:
            course.undo = self._injector.carry_out(asked)
            course.refused = ""
        except RefusedError as error:
            course.began_s, course.refused = None, str(error)
        except DermtwinError as error:
            course.refused = f"failed: {error}"
        if course.refused:
            self._log.warning("refused", what=str(asked), reason=course.refused)
        if course.undo is None:
            course.ended_s = time.monotonic()
            return None
        return course.began_s + (asked.for_s or 0.0) if course.began_s is not None else None

    def _end(self, course: _Course) -> None:
        undo, course.undo = course.undo, None
        if undo is None:
            return
        try:
            undo()
        except DependencyError as error:
            course.refused = f"could not be undone: {error}"
            self._log.warning("undo", what=str(course.disturbance), reason=str(error))
        course.ended_s = time.monotonic()
        self._log.info("fault-over", what=str(course.disturbance))

    def _undo_all(self) -> None:
        for course in self._courses:
            self._end(course)

    def _is_over(self, course: _Course) -> bool:
        if course.refused and course.refused != NOT_BEGUN:
            return True
        if course.ended_s is None:
            return self._stop.is_set() and course.began_s is None
        return self._steadiness.recovered_s(course.ended_s) is not None

    def _outcome(self, course: _Course) -> FaultOutcome:
        began_s, ended_s = course.began_s, course.ended_s
        if began_s is None or ended_s is None:
            return FaultOutcome(
                disturbance=course.disturbance,
                began_s=None,
                ended_s=None,
                recovered_s=None,
                recovered_from_end_s=None,
                steady_before=None,
                steady_during=None,
                steady_after=None,
                refused=course.refused,
            )
        back_s = self._steadiness.recovered_s(ended_s)
        broken = self._steadiness.broken(began_s, float("inf") if back_s is None else back_s)
        return FaultOutcome(
            disturbance=course.disturbance,
            began_s=began_s - self._began_s,
            ended_s=ended_s - self._began_s,
            # Nothing that was measured broke: there was nothing to recover from.
            recovered_s=None if back_s is None else (back_s - began_s if broken else 0.0),
            recovered_from_end_s=None if back_s is None else (back_s - ended_s if broken else 0.0),
            steady_before=self._steadiness.before(began_s),
            steady_during=not broken,
            steady_after=back_s is not None,
            broken=broken,
            refused=course.refused,
        )


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return round(value, 2) if isinstance(value, float) else value
