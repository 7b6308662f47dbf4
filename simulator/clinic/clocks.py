"""The two clocks: how simulated time and the twin's answers meet.

Virtual: cases are streamed a window ahead of simulated time, and the engine waits for an answer
only where the pathway needs it, outside simulated time (law 6). Real: one minute of the clinic is
a fixed wall time, each case is sent when its patient arrives, and answers come when they come.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

import simpy
import simpy.rt

from simulator.clinic.journal import Latency
from simulator.clinic.person import Person
from twin.errors import DependencyError
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    EpochReached,
    FeedbackReceived,
    StackEvent,
    VerdictIssued,
)

Answer = VerdictIssued | CaseRejected

WINDOW: Final = 2048  # cases under way ahead of the clock; assumption: the twin never runs dry
POLL_S: Final = 0.010  # wall time between two looks for answers, and so the error of a latency
PATIENCE_S: Final = 300.0  # assumption: who has not answered by then never will


class TwinLink(Protocol):
    """The engine's way to the twin, whatever the route."""

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        """Send cases off, in order. Returns without waiting for answers."""
        ...

    def answer(self, case_id: str) -> Answer:
        """Wait for the answer to a submitted case; asked once a case, by the virtual clock.

        Raises:
            DependencyError: it will not come.
        """
        ...

    def poll(self, case_id: str) -> Answer | None:
        """Return the answer to a submitted case if it is there; asked by the real clock."""
        ...

    def publish(self, event: CaseClosed | FeedbackReceived) -> None:
        """Tell the twin that a case is closed, or what a clinic says it was."""
        ...

    def epoch(self, event: EpochReached) -> Sequence[StackEvent]:
        """Tell the twin of an epoch and wait for what it decides; after that, cases go on.

        Raises:
            DependencyError: it will not decide.
        """
        ...


class Clock(Protocol):
    """What the engine asks of a clock."""

    env: simpy.Environment
    latencies: list[Latency]  # grows during the run; stays empty where time is not real

    def start(self, epochs_min: Sequence[float] = ()) -> None:
        """Begin: simulated zero is now.

        Parameters:
            epochs_min: when the twin may change, in order.
        """
        ...

    def ahead(self, patients: Iterable[Person]) -> Iterator[Person]:
        """Pass patients through in order, sending them to the twin before they arrive or not."""
        ...

    def arrive(self, person: Person) -> None:
        """Note that a patient arrives now."""
        ...

    def answer(self, person: Person) -> Answer | simpy.Event:
        """Return the twin's answer, or an event that will bring it."""
        ...

    def epoch(self, event: EpochReached) -> Sequence[StackEvent]:
        """Tell the twin of an epoch, wait outside simulated time, and return what it decided."""
        ...


class VirtualClock:
    """As fast as it goes, and deterministic. Without a twin there is nothing to send ahead.

    Parameters:
        twin: the link.
        window: cases under way ahead of the clock.
        from_min: simulated time at which the run begins.
    """

    def __init__(self, twin: TwinLink | None, window: int = WINDOW, from_min: float = 0.0) -> None:
        self.env = simpy.Environment(initial_time=from_min)
        self.latencies: list[Latency] = []
        self._twin = twin
        self._window = window
        self._epochs_min: deque[float] = deque()  # that are not decided yet
        self._held: deque[Person] = deque()  # who arrive at the next epoch or later, in order

    def start(self, epochs_min: Sequence[float] = ()) -> None:
        """Send no case ahead of an epoch that it arrives after."""
        self._epochs_min = deque(epochs_min)

    def ahead(self, patients: Iterable[Person]) -> Iterator[Person]:
        """Keep between half a window and a whole one drawn, and sent as far as the next epoch."""
        source, twin = iter(patients), self._twin
        if twin is None:
            yield from source
            return
        under_way: deque[Person] = deque()
        while True:
            if len(under_way) <= self._window // 2:
                fresh = list(islice(source, self._window - len(under_way)))
                self._held.extend(fresh)
                self._send(twin)
                under_way.extend(fresh)
            if not under_way:
                return
            yield under_way.popleft()

    def arrive(self, person: Person) -> None:
        """Need nothing: the case was sent ahead."""

    def answer(self, person: Person) -> Answer:
        """Wait outside simulated time."""
        assert self._twin is not None  # nominal cases ask nobody
        return self._twin.answer(person.case_id)

    def epoch(self, event: EpochReached) -> Sequence[StackEvent]:
        """Wait outside simulated time; then send those who arrive before the next epoch."""
        assert self._twin is not None  # nominal cases have no epochs
        decided = self._twin.epoch(event)
        self._epochs_min.popleft()
        self._send(self._twin)
        return decided

    def _send(self, twin: TwinLink) -> None:
        until_min = self._epochs_min[0] if self._epochs_min else math.inf
        fresh = []
        while self._held and self._held[0].at_min < until_min:
            fresh.append(self._held.popleft().arrived())
        if fresh:
            twin.submit(fresh)


class RealClock:
    """On the wall clock, open loop: late answers never hold arrivals back.

    Parameters:
        twin: the link.
        speed: simulated minutes per wall minute.
        patience_s: wall time after which a missing answer stops the run.
    """

    def __init__(self, twin: TwinLink | None, speed: float, patience_s: float = PATIENCE_S) -> None:
        # SimPy's factor is wall seconds per unit of simulated time, here a minute. Not strict: a
        # slow moment is caught up and shows in the latencies, it does not stop the run.
        self.env = simpy.rt.RealtimeEnvironment(factor=60 / speed, strict=False)
        self.latencies: list[Latency] = []
        self._twin = twin
        self._patience_s = patience_s
        self._coming: dict[str, simpy.Event] = {}  # answers not yet asked for by the pathway
        self._open: dict[str, tuple[float, simpy.Event]] = {}  # not yet answered; arrival, minutes

    def start(self, epochs_min: Sequence[float] = ()) -> None:  # noqa: ARG002  see epoch
        """Set simulated zero to now and begin to watch for answers; epochs come when they come."""
        self.env.sync()
        if self._twin is not None:
            self._watch(None)

    def ahead(self, patients: Iterable[Person]) -> Iterator[Person]:
        """Send nothing ahead."""
        return iter(patients)

    def arrive(self, person: Person) -> None:
        """Send the case."""
        assert self._twin is not None  # nominal cases are sent to nobody
        coming = self._coming[person.case_id] = self.env.event()
        self._open[person.case_id] = (person.at_min, coming)
        self._twin.submit([person.arrived()])
        self._look(person.case_id)

    def answer(self, person: Person) -> simpy.Event:
        """Return the event of the answer's coming."""
        self._look(person.case_id)
        return self._coming.pop(person.case_id)

    def epoch(self, event: EpochReached) -> Sequence[StackEvent]:
        """Let the clinic stand still until the twin has decided; it catches up afterwards."""
        assert self._twin is not None  # nominal cases have no epochs
        return self._twin.epoch(event)

    def _watch(self, _: simpy.Event | None) -> None:
        for case_id in list(self._open):
            self._look(case_id)
        simpy.Timeout(self.env, POLL_S / self.env.factor).callbacks.append(self._watch)

    def _look(self, case_id: str) -> None:
        if case_id not in self._open:
            return
        assert self._twin is not None  # only its cases are open
        at_min, coming = self._open[case_id]
        # From the intended send time: a sender that lags must not flatter the latency.
        intended_s = at_min * self.env.factor
        now_s = time.monotonic() - self.env.real_start
        answer = self._twin.poll(case_id)
        if answer is not None:
            del self._open[case_id]
            latency = Latency(case_id=case_id, intended_s=intended_s, answered_s=now_s)
            self.latencies.append(latency)
            coming.succeed(answer)
        elif now_s - intended_s > self._patience_s:
            raise DependencyError(f"no answer for case {case_id} within {self._patience_s:g} s")
