"""A virtual clock that keeps to a pace, so that a run can be watched.

What happens, and when in event time, is that of the virtual clock on any machine: an answer is
waited for outside simulated time. The pace only decides when on the wall clock it happens: nothing
happens before its time has come, so arrivals, answers and closings come one after another.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

import simpy

from simulator.clinic.clocks import Answer, TwinLink
from simulator.clinic.journal import Latency
from simulator.clinic.person import Person
from twin.events import EpochReached, StackEvent

NAP_S: Final = 0.25  # longest sleep: whoever ends the run or the twin is heard as soon


@dataclass(slots=True)
class Pacer:
    """Holds simulated time back to so many minutes per wall minute.

    Parameters:
        speed: simulated minutes per wall minute.
        look: called between sleeps; raises where it makes no sense to wait on.
    """

    speed: float
    look: Callable[[], None] = lambda: None
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    start_s: float = field(init=False, default=0.0)  # wall time of simulated zero
    stood_s: float = field(init=False, default=0.0)  # how long the clinic stood still in all

    def start(self) -> None:
        """Let simulated zero be now."""
        self.start_s = self.now_s()

    def hold(self, at_min: float) -> None:
        """Wait until a simulated time may come; at once where it is late already."""
        due_s = self.start_s + at_min * 60 / self.speed
        while (left_s := due_s - self.now_s()) > 0:
            self.look()
            self.sleep(min(left_s, NAP_S))

    def stand(self, since_s: float) -> None:
        """Move all that is to come by the time since then: the clinic stood still."""
        stood_s = self.now_s() - since_s
        self.start_s += stood_s
        self.stood_s += stood_s


class _PacedEnvironment(simpy.Environment):  # type: ignore[misc]  # SimPy ships no types
    """SimPy's calendar, whose next event waits for its turn on the wall clock."""

    def __init__(self, pacer: Pacer) -> None:
        super().__init__()
        self._pacer = pacer

    def step(self) -> None:
        """Wait, then do the next event."""
        at_min = self.peek()
        if isfinite(at_min):
            self._pacer.hold(at_min)
        super().step()


class PacedClock:
    """Deterministic as the virtual clock; each case is sent when its patient arrives.

    Cases that are sent ahead would be on the log before their time, and days before it over a
    weekend.
    """

    def __init__(self, twin: TwinLink, pacer: Pacer) -> None:
        self.env = _PacedEnvironment(pacer)
        self.latencies: list[Latency] = []
        self._twin = twin
        self._pacer = pacer

    def start(self, epochs_min: Sequence[float] = ()) -> None:  # noqa: ARG002  see arrive
        """Let simulated zero be now."""
        self._pacer.start()

    def ahead(self, patients: Iterable[Person]) -> Iterator[Person]:
        """Send nothing ahead, and so nothing ahead of an epoch."""
        return iter(patients)

    def arrive(self, person: Person) -> None:
        """Send the case."""
        self._twin.submit([person.arrived()])

    def answer(self, person: Person) -> Answer:
        """Let the clinic stand still until the answer is there."""
        since_s = self._pacer.now_s()
        found = self._twin.answer(person.case_id)
        self._pacer.stand(since_s)
        return found

    def epoch(self, event: EpochReached) -> Sequence[StackEvent]:
        """Let the clinic stand still until the twin has decided."""
        since_s = self._pacer.now_s()
        decided = self._twin.epoch(event)
        self._pacer.stand(since_s)
        return decided
