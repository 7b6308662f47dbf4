"""The two clocks: how simulated time and the twin's answers meet.

Virtual: cases are streamed a window ahead of simulated time, and the engine waits for an answer
only where the pathway needs it, outside simulated time (law 6). Real: one minute of the clinic is
a fixed wall time, each case is sent when its patient arrives, and answers come when they come.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Protocol

import simpy
import simpy.rt

from simulator.cases.cases import Patient
from simulator.clinic.journal import Latency
from twin.errors import DependencyError
from twin.events import CaseArrived, CaseRead, CaseRejected, VerdictIssued

Answer = VerdictIssued | CaseRejected
Process = Generator[simpy.Event, Any, None]

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

    def publish(self, event: CaseRead) -> None:
        """Tell the twin that a case is closed."""
        ...


class Clock(Protocol):
    """What the engine asks of a clock."""

    env: simpy.Environment
    latencies: list[Latency]  # grows during the run; stays empty where time is not real

    def start(self, spawn: Callable[[Process], None]) -> None:
        """Begin; `spawn` starts a process of the clock's own."""
        ...

    def ahead(self, patients: Iterable[Patient]) -> Iterator[Patient]:
        """Pass patients through in order, sending them to the twin before they arrive or not."""
        ...

    def arrive(self, patient: Patient) -> None:
        """Note that a patient arrives now."""
        ...

    def answer(self, patient: Patient) -> Answer | simpy.Event:
        """Return the twin's answer, or an event that will bring it."""
        ...


class VirtualClock:
    """As fast as it goes, and deterministic."""

    def __init__(self, twin: TwinLink, window: int = WINDOW) -> None:
        self.env = simpy.Environment()
        self.latencies: list[Latency] = []
        self._twin = twin
        self._window = window

    def start(self, spawn: Callable[[Process], None]) -> None:
        """Need nothing."""

    def ahead(self, patients: Iterable[Patient]) -> Iterator[Patient]:
        """Keep between half a window and a whole one under way."""
        source = iter(patients)
        under_way: deque[Patient] = deque()
        while True:
            if len(under_way) <= self._window // 2:
                fresh = list(islice(source, self._window - len(under_way)))
                if fresh:
                    self._twin.submit([patient.arrived() for patient in fresh])
                    under_way.extend(fresh)
            if not under_way:
                return
            yield under_way.popleft()

    def arrive(self, patient: Patient) -> None:
        """Need nothing: the case was sent ahead."""

    def answer(self, patient: Patient) -> Answer:
        """Wait outside simulated time."""
        return self._twin.answer(patient.case_id)


class RealClock:
    """On the wall clock, open loop: late answers never hold arrivals back.

    Parameters:
        twin: the link.
        speed: simulated minutes per wall minute.
        patience_s: wall time after which a missing answer stops the run.
    """

    def __init__(self, twin: TwinLink, speed: float, patience_s: float = PATIENCE_S) -> None:
        # SimPy's factor is wall seconds per unit of simulated time, here a minute. Not strict: a
        # slow moment is caught up and shows in the latencies, it does not stop the run.
        self.env = simpy.rt.RealtimeEnvironment(factor=60 / speed, strict=False)
        self.latencies: list[Latency] = []
        self._twin = twin
        self._patience_s = patience_s
        self._coming: dict[str, simpy.Event] = {}  # answers not yet asked for by the pathway
        self._open: dict[str, tuple[float, simpy.Event]] = {}  # not yet answered; arrival, minutes

    def start(self, spawn: Callable[[Process], None]) -> None:
        """Set simulated zero to now and begin to watch for answers."""
        self.env.sync()
        spawn(self._watch())

    def ahead(self, patients: Iterable[Patient]) -> Iterator[Patient]:
        """Send nothing ahead."""
        return iter(patients)

    def arrive(self, patient: Patient) -> None:
        """Send the case."""
        coming = self._coming[patient.case_id] = self.env.event()
        self._open[patient.case_id] = (patient.at_min, coming)
        self._twin.submit([patient.arrived()])
        self._look(patient.case_id)

    def answer(self, patient: Patient) -> simpy.Event:
        """Return the event of the answer's coming."""
        self._look(patient.case_id)
        return self._coming.pop(patient.case_id)

    def _watch(self) -> Process:
        while True:
            yield self.env.timeout(POLL_S / self.env.factor)
            for case_id in list(self._open):
                self._look(case_id)

    def _look(self, case_id: str) -> None:
        if case_id not in self._open:
            return
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
