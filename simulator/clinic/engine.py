"""The clinic in time: each patient's journey from arrival to leaving, on either clock.

Event scheduling on SimPy's calendar: a callback at each arrival and each end of service, instead
of a process per patient. That is what makes it as fast as it is; see docs/architecture.md.

Arrivals, service times, routes and opinions are keyed (law 9), so another reader or another order
of reading leaves every draw as it was, and two runs can be compared patient by patient.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

from simpy.events import Event

from simulator.clinic.bringing import Fill
from simulator.clinic.clocks import Answer, Clock, RealClock, TwinLink, VirtualClock
from simulator.clinic.due import Due
from simulator.clinic.journal import Journal
from simulator.clinic.opening import Opening
from simulator.clinic.person import Person
from simulator.clinic.placing import Placed, Placing, Ways
from simulator.clinic.pools import Pool, Request, bays_of
from simulator.clinic.readers import Reader
from simulator.clinic.rota import Rota
from simulator.clinic.routing import OUT, Router, Visits
from simulator.clinic.staffing import capacity_changes, changes_from
from simulator.clinic.station import Station, Timed
from simulator.clinic.telling import Telling
from simulator.clinic.upstream import Upstream
from simulator.language.pathway import END, DelayNode, StaffedNode
from simulator.language.schema import Scenario
from twin.errors import InvariantError
from twin.events import VerdictIssued

__all__ = ["Engine", "Patients", "TwinLink"]

_PROGRESS_EVERY: Final = 64  # patients; drawing a bar takes longer than simulating one


class Patients(Protocol):
    """Whoever brings the patients; usually `People`."""

    @property
    def expected(self) -> int:
        """About how many there will be."""
        ...

    @property
    def upstream(self) -> Upstream | None:
        """Who did not come, up to the last one who was brought; None where everybody comes."""
        ...

    def __iter__(self) -> Iterator[Person]:
        """Bring them in the order of their arrival."""
        ...


class Engine:
    """One replication of a scenario.

    Parameters:
        scenario: the clinic.
        replication: number from 0; part of the key of every draw.
        patients: who comes, and when.
        twin: the link to the twin; None where the cases are nominal.
        clock: by default the scenario's own.
        on_progress: called now and then with the number of patients closed and expected.
        opening: the state that the run starts from; None for an empty clinic at time 0. Then
            nobody is told of anything: the scenario's cases are nominal.
        fills: by class, what gives those who are inside their facts; only with an opening.
    """

    def __init__(
        self,
        scenario: Scenario,
        replication: int,
        patients: Patients,
        twin: TwinLink | None = None,
        *,
        clock: Clock | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        opening: Opening | None = None,
        fills: Sequence[Fill | None] = (),
    ) -> None:
        self.scenario = scenario
        self.replication = replication
        self._patients = patients
        self._on_progress = on_progress
        if clock is None:
            real = scenario.clock == "real"
            from_min = 0.0 if opening is None else opening.at_min
            clock = (
                RealClock(twin, scenario.speed) if real else VirtualClock(twin, from_min=from_min)
            )
        self._clock = clock
        self.env = clock.env
        self.journal = Journal(
            latencies=clock.latencies,
            shifted=bool(scenario.shifts),
            banked=scenario.bank is not None,
            looped=scenario.is_looped,
        )
        self._telling = (
            Telling(scenario, replication, self.journal, clock, twin, self._end_if_empty)
            if scenario.tells_twin
            else None
        )
        self._inside: dict[int, Person] = {}
        self._all_came = False
        self._over = self.env.event()
        self._arriving = (self._arrive,)
        self._opening, self._fills = opening, fills
        self.placed: list[Placed] = []  # who was inside at the opening, and where
        self._pools = {name: Pool(name, self.env.now) for name in scenario.staff}
        self._readers: dict[int, Reader] = {}
        self._delays: dict[int, Timed] = {}
        self.stations: dict[int, Station] = {}
        self._build()

    def run(self) -> Journal:
        """Run until every patient who came has left, or until the horizon where it stops there.

        Raises:
            DependencyError: the twin did not answer.
            InvariantError: nothing can happen any more and patients are still inside.
            KeyboardInterrupt: passed on as it came.
        """
        scenario = self.scenario
        self._clock.start(() if self._telling is None else self._telling.epochs.times_min)
        if self._telling is not None:
            self._telling.epochs.begin()
        for name, pool in self._pools.items():
            bays = [bay for bay in self._bays if pool in bay.pools]
            changes = capacity_changes(scenario.staff[name], scenario.start_min)
            if self._opening is not None:
                changes = changes_from(changes, self._opening.at_min)
            Rota(self.env, pool, bays, changes)
        if self._opening is not None:
            self._open(self._opening)
        self._coming = self._clock.ahead(self._patients)
        self._await_next()
        if scenario.ending == "stop":
            self.env.run(until=scenario.horizon_min)
        elif not self._over.triggered:
            try:
                self.env.run(until=self._over)
            except RuntimeError as error:  # SimPy: no events are left
                reason = f"{len(self._inside)} patients wait and nothing can happen any more"
                raise InvariantError(reason) from error
        self._settle()
        return self.journal

    def move(self, person: Person, where: str, *, gave_up: bool = False) -> None:
        """Send a patient to a node, or out."""
        if where == END:
            self._leave(person, self.env.now, gave_up=gave_up)
        else:
            self._steps[self._places[where]](person, self.env.now)

    def served(self, station: Station, request: Request, now_min: float) -> None:
        """Let a patient whose service has just ended decide, and move on."""
        person, place = request.person, station.index
        if self._readers:
            reader = self._readers.get(place)
            if reader is not None:
                reader.decide(person, request.visit)
        if station.diagnoses:
            person.diagnosed_min = now_min
        if self._telling is not None:
            self._telling.served(person, station.node.id, request.waited_min)
        self._onward(person, place, request.visit, now_min)

    def _build(self) -> None:
        scenario, key = self.scenario, (self.scenario.seed, self.replication)
        self._places = {node.id: place for place, node in enumerate(scenario.pathway)}
        attributes = sorted({name for one in scenario.classes for name in one.attributes})
        classes = scenario.patient_classes
        self._routers: list[list[Router]] = []
        self._steps: list[Callable[[Person, float], None]] = []  # what happens who comes to a node
        bays = bays_of([node.staff for node in scenario.staffed()], self._pools)
        for place, node in enumerate(scenario.pathway):
            draws = [Visits(*key, f"route.{node.id}.{one.id}") for one in classes]
            self._routers.append(
                [
                    Router(one.then.get(node.id, node.then), self._places, attributes, draw)
                    for one, draw in zip(classes, draws, strict=True)
                ]
            )
            if isinstance(node, StaffedNode):
                pools = [self._pools[name] for name in node.staff]
                bay = bays[node.staff[0]]
                if node.queue.preempt != "no" and bay.serving is None:
                    bay.serving = set()
                self.stations[place] = station = Station(self, node, place, pools, bay)
                self._steps.append(station.enter)
                how = scenario.decision_of(node)
                if how != "no":
                    spec = node.reader or scenario.decision.reader
                    self._readers[place] = Reader(spec, how, *key, node.id)
            elif isinstance(node, DelayNode):
                self._delays[place] = Timed(*key, f"service.{node.id}")
                for one in classes:
                    self._delays[place].know(one.id, one.service.get(node.id, node.delay))
                self._steps.append(partial(self._wait, place))
            else:
                self._steps.append(partial(self._ask, place))
        self._bays = list({id(bay): bay for bay in bays.values()}.values())
        self._enter = [self._places[one.enter] if one.enter else 0 for one in classes]

    def _open(self, opening: Opening) -> None:
        """Put everybody who is inside in their place, and let those begin who can."""
        assert self._telling is None  # a log that is forked hears nothing of its futures
        ways = Ways(
            scenario=self.scenario,
            replication=self.replication,
            enter=self._enter,
            routers=self._routers,
            readers=self._readers,
            delays=self._delays,
            stations=self.stations,
        )
        self.placed = list(Placing(ways, opening, self._fills).everybody())
        asking = []
        for one in self.placed:
            person, place = one.person, one.place
            self._inside[person.number] = person
            self.journal.arrived += 1
            if place in self.stations:
                self.stations[place].resume(person, one.since_min)
            elif place in self._delays:
                person.seen[place] = visit = person.seen[place] + 1
                Due(self.env, one.left_min or 0.0, (self._waited,), (person, place, visit))
            else:
                asking.append(one)
        for one in asking:
            self._ask(one.place, one.person, self.env.now)
        for bay in self._bays:
            bay.dispatch(self.env.now)

    def _await_next(self) -> None:
        person = next(self._coming, None)
        if person is None:
            self._all_came = True
            self._end_if_empty()
            return
        # Rounding can put `now` a bit above `at_min` for two who come together.
        delay_min = person.at_min - self.env.now
        if self._telling is not None and self._telling.epochs.left:
            delay_min = self._telling.epochs.delay_to(person.at_min)
        Due(self.env, delay_min if delay_min > 0 else 0.0, self._arriving, person)

    def _arrive(self, event: Due) -> None:
        person: Person = event.what
        self._inside[person.number] = person
        self.journal.arrived += 1
        if self._telling is not None:
            self._telling.arrived(person)
        self._await_next()
        self._steps[self._enter[person.class_index]](person, self.env.now)

    def _wait(self, place: int, person: Person, _now_min: float) -> None:
        person.seen[place] = visit = person.seen[place] + 1
        minutes = self._delays[place].of(person, visit)
        assert minutes is not None  # a delay has a duration for every class
        Due(self.env, minutes, (self._waited,), (person, place, visit))

    def _waited(self, event: Due) -> None:
        person, place, visit = event.what
        node = self.scenario.pathway[place]
        if isinstance(node, DelayNode) and node.diagnosis:
            person.diagnosed_min = self.env.now
        self._onward(person, place, visit, self.env.now)

    def _onward(self, person: Person, place: int, visit: int, now_min: float) -> None:
        router = self._routers[place][person.class_index]
        to = router.always
        if to is None:
            to = router.next(person, visit, now_min)
        if to == OUT:
            self._leave(person, now_min)
        else:
            self._steps[to](person, now_min)

    def _ask(self, place: int, person: Person, now_min: float) -> None:
        person.seen[place] = visit = person.seen[place] + 1
        told = self._telling is not None
        if not told:
            person.p_malignant, person.flagged = person.score, person.score_flags
            if person.score_fault is not None:
                person.rejected = person.score_fault
        if not told or person.flagged is not None or person.rejected is not None:
            self._onward(person, place, visit, now_min)  # who comes again has been answered
            return
        answer = self._clock.answer(person)
        if isinstance(answer, Event) and answer.callbacks is not None:

            def then(event: Event) -> None:
                self._take(person, event.value)
                self._onward(person, place, visit, self.env.now)

            answer.callbacks.append(then)
            return
        self._take(person, answer.value if isinstance(answer, Event) else answer)
        self._onward(person, place, visit, now_min)

    def _take(self, person: Person, answer: Answer) -> None:
        if isinstance(answer, VerdictIssued):
            person.p_malignant, person.flagged = answer.p_malignant, answer.malignant
            person.stack, person.missing = answer.stack, "+".join(answer.missing) or None
        else:
            person.rejected = answer.reason

    def _leave(self, person: Person, now_min: float, *, gave_up: bool = False) -> None:
        del self._inside[person.number]
        self.journal.note(person, now_min, gave_up=gave_up)
        if self._telling is not None:
            self._telling.left(person, now_min, gave_up=gave_up)
        if self._on_progress is not None:
            closed = len(self.journal.patients)
            if closed % _PROGRESS_EVERY == 0 or not self._inside:
                self._on_progress(closed, max(closed, self._patients.expected))
        if self._all_came:
            self._end_if_empty()

    def _end_if_empty(self) -> None:
        if not self._all_came or self._inside or self._over.triggered:
            return
        # An empty clinic stays open to its horizon, so that all replications have all epochs;
        # not where it is the patients who ran out.
        due = self._telling is not None and self._telling.epochs.left
        if not due or self.scenario.ran_out(self.journal.arrived):
            self._over.succeed()

    def _settle(self) -> None:
        now_min = self.env.now
        for pool in self._pools.values():
            pool.change(now_min, 0)
        for station in self.stations.values():
            station.settle(now_min)
        for person in self._inside.values():
            self.journal.note(person, None, gave_up=False)
        if self._telling is not None:
            self._telling.settle()
        self.journal.upstream = self._patients.upstream
        self.journal.settle(
            now_min,
            tables={s.node.id: s.table for s in self.stations.values()},
            areas={s.node.id: s.area for s in self.stations.values()},
            pools=self._pools,
        )
