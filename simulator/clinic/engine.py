"""The clinic in time: each patient's journey from arrival to decision, on either clock.

Arrivals, service times and opinions come from keyed streams (law 9), so another reader or another
order of reading leaves every draw as it was, and two runs can be compared patient by patient.
"""

import heapq
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Protocol

import numpy as np
import simpy

from simulator.cases.cases import Patient
from simulator.clinic.clocks import Answer, Clock, Process, RealClock, TwinLink, VirtualClock
from simulator.clinic.journal import CaseRecord, Journal, Visit
from simulator.draws.streams import stream
from simulator.language.schema import Scenario, StaffedNode
from twin.events import CaseRead, CaseRejected, VerdictIssued

__all__ = ["Engine", "PatientSource", "TwinLink"]

Order = tuple[float, float, int]  # urgency (smaller first), joined the queue, order of arrival


class PatientSource(Protocol):
    """Whoever brings the patients; usually `Arrivals`."""

    @property
    def expected(self) -> int:
        """About how many there will be."""
        ...

    def __iter__(self) -> Iterator[Patient]:
        """Bring them in the order of their arrival."""
        ...


class Pool:
    """A group of interchangeable people with one queue, served without preemption.

    SimPy's own priority resource sorts its whole queue at each arrival; this one keeps a heap. The
    order is total, so that ties do not depend on who asked first within one instant.
    """

    def __init__(self, env: simpy.Environment, count: int) -> None:
        self._env = env
        self._free = count
        self._waiting: list[tuple[Order, simpy.Event]] = []

    def request(self, order: Order) -> simpy.Event:
        """Return the event of somebody's becoming free for this patient."""
        granted = self._env.event()
        if self._free:
            self._free -= 1
            granted.succeed()
        else:
            heapq.heappush(self._waiting, (order, granted))
        return granted

    def release(self) -> None:
        """Hand one person over to whoever is next."""
        if self._waiting:
            heapq.heappop(self._waiting)[1].succeed()
        else:
            self._free += 1


class Engine:
    """One replication of a scenario.

    Parameters:
        scenario: the clinic.
        replication: number from 0; part of the key of every draw.
        patients: who comes, and when.
        twin: the link to the twin.
        clock: by default the scenario's own.
        on_progress: called after each closed case with the closed and the expected number.
    """

    def __init__(
        self,
        scenario: Scenario,
        replication: int,
        patients: PatientSource,
        twin: TwinLink,
        *,
        clock: Clock | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._scenario = scenario
        self._replication = replication
        self._patients = patients
        self._twin = twin
        self._on_progress = on_progress
        if clock is None and scenario.clock == "real":
            clock = RealClock(twin, scenario.speed)
        self._clock = clock or VirtualClock(twin)
        # Grows during the run, and stays readable after a failure.
        self.journal = Journal(latencies=self._clock.latencies)
        self._env = self._clock.env
        self._pools = {name: Pool(self._env, group.count) for name, group in scenario.staff.items()}
        self._inside = 0  # patients in the clinic
        self._all_came = False
        self._empty = self._env.event()
        self._failure: BaseException | None = None

    def run(self) -> Journal:
        """Run until every patient who came has left.

        Raises:
            DependencyError: the twin did not answer.
            KeyboardInterrupt: passed on as it came.
        """
        self._clock.start(self._spawn)
        self._spawn(self._arrive())
        try:
            self._env.run(until=self._empty)
        except BaseException:
            # SimPy raises a copy built from `args`; what really happened is what we kept.
            if self._failure is not None:
                raise self._failure from None
            raise
        return self.journal

    def _spawn(self, process: Process) -> None:
        self._env.process(self._guard(process))

    def _guard(self, process: Process) -> Process:
        try:
            yield from process
        except GeneratorExit:
            raise
        except BaseException as error:
            self._failure = self._failure or error
            raise

    def _arrive(self) -> Process:
        for patient in self._clock.ahead(self._patients):
            # Rounding can put `now` a bit above `at_min` for two who come together.
            yield self._env.timeout(max(0.0, patient.at_min - self._env.now))
            self._inside += 1
            self.journal.events.append(patient.arrived())
            self._clock.arrive(patient)
            self._spawn(self._journey(patient))
        self._all_came = True
        self._leave_if_empty()

    def _journey(self, patient: Patient) -> Process:
        visits: dict[str, Visit] = {}
        answer: Answer | None = None
        for node in self._scenario.pathway:
            if isinstance(node, StaffedNode):
                visits[node.id] = yield from self._visit(node, patient, answer)
            else:
                got = self._clock.answer(patient)
                answer = (yield got) if isinstance(got, simpy.Event) else got
        self._close(patient, visits, answer)

    def _visit(
        self, node: StaffedNode, patient: Patient, answer: Answer | None
    ) -> Generator[simpy.Event, None, Visit]:
        queued_min = self._env.now
        pool = self._pools[node.staff]
        urgency = _urgency(answer) if node.queue == "ai" else 0.0
        yield pool.request((urgency, queued_min, patient.index))
        start_min = self._env.now
        yield self._env.timeout(node.service.draw(self._stream(f"service.{node.id}", patient)))
        pool.release()
        return Visit(queued_min=queued_min, start_min=start_min, end_min=self._env.now)

    def _close(self, patient: Patient, visits: Mapping[str, Visit], answer: Answer | None) -> None:
        verdict = answer if isinstance(answer, VerdictIssued) else None
        record = CaseRecord(
            case_id=patient.case_id,
            arrival_min=patient.at_min,
            visits=visits,
            closed_min=self._env.now,
            malignant=patient.malignant,
            diagnosis=patient.diagnosis,
            p_malignant=verdict.p_malignant if verdict else None,
            ai_malignant=verdict.malignant if verdict else None,
            rejected=answer.reason if isinstance(answer, CaseRejected) else None,
            referred=self._decide(patient, verdict),
            age=patient.age,
            sex=patient.sex,
            site=patient.site,
            skin_tone=patient.skin_tone,
        )
        event = CaseRead(
            case_id=patient.case_id,
            at_min=self._env.now,
            referred=record.referred,
            imaging_wait_min=visits["imaging"].wait_min,
            read_wait_min=visits["read"].wait_min,
        )
        self.journal.records.append(record)
        self.journal.events.append(event)
        self._twin.publish(event)
        if self._on_progress:
            closed = len(self.journal.records)
            self._on_progress(closed, max(closed, self._patients.expected))
        self._inside -= 1
        self._leave_if_empty()

    def _decide(self, patient: Patient, verdict: VerdictIssued | None) -> bool:
        """Return whether the reader refers the patient.

        Assumption: the reader takes the AI's verdict over with a fixed probability, else decides
        alone with a fixed sensitivity and specificity, independently of the image.
        """
        reader = self._scenario.decision.reader
        # Both are always drawn, so that a verdict more or less leaves the opinions as they were.
        follows, own = self._stream("reader", patient).random(2)
        if verdict is not None and follows < reader.weight_of_ai:
            return verdict.malignant
        return bool(own < (reader.sensitivity if patient.malignant else 1 - reader.specificity))

    def _leave_if_empty(self) -> None:
        if self._all_came and not self._inside:
            self._empty.succeed()

    def _stream(self, name: str, patient: Patient) -> np.random.Generator:
        return stream(self._scenario.seed, self._replication, name, patient.case_id)


def _urgency(answer: Answer | None) -> float:
    # Assumption: a case without a verdict is read as if surely malignant; nobody waits longer
    # because the twin failed.
    return -answer.p_malignant if isinstance(answer, VerdictIssued) else -1.0
