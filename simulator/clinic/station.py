"""A staffed node in time: who joins, waits, is served, is interrupted, or gives up."""

from typing import Final, Protocol

import simpy

from simulator.clinic.due import Due, Then
from simulator.clinic.person import Person
from simulator.clinic.pools import Bay, Pool, Request, State
from simulator.clinic.routing import Visits
from simulator.clinic.tables import Table
from simulator.draws.contract import Distribution
from simulator.draws.uniforms import Draws, Uniforms
from simulator.language.pathway import StaffedNode
from simulator.language.schema import Scenario

# A row for each visit. `waited_min` counts interruptions, so it can exceed start less queued;
# what had not begun or ended when the run stopped is not-a-number.
COLUMNS: Final = ("patient", "visit", "queued_min", "start_min", "end_min", "waited_min", "outcome")
_NAN: Final = float("nan")
_SURELY: Final = -1.0  # rank of a patient whom the AI should have scored and did not
# Rank of the overdue: among them first come, first served, or those of low urgency would starve
# behind the others; and whoever was overdue is not interrupted.
_OVERDUE: Final = float("-inf")


class Clinic(Protocol):
    """What a station asks of the clinic it belongs to."""

    scenario: Scenario
    replication: int
    env: simpy.Environment

    def served(self, station: "Station", request: Request, now_min: float) -> None:
        """Let a patient whose service has just ended decide, and move on."""
        ...

    def move(self, person: Person, where: str, *, gave_up: bool = False) -> None:
        """Send a patient to a node, or out."""
        ...


class Timed:
    """Durations of one purpose at one station, by class, patient and visit."""

    def __init__(self, seed: int, replication: int, name: str) -> None:
        self._key = (seed, replication, name)
        self._draws: dict[tuple[str, int], Draws] = {}
        self._of_class: dict[str, Distribution | None] = {}
        self._first: list[Draws | None] = []

    def know(self, patient_class: str, distribution: Distribution | None) -> None:
        """Take the next class's distribution; None if this class has none here."""
        known = None if distribution is None else self._make(patient_class, 1, distribution)
        self._first.append(known)
        self._of_class[patient_class] = distribution

    def of(self, person: Person, visit: int) -> float | None:
        """Return the duration of a patient's visit, counted from 1, in minutes."""
        if visit == 1:
            draws = self._first[person.class_index]
            return None if draws is None else draws[person.key]
        place = (person.patient_class, visit)
        if place not in self._draws:
            distribution = self._of_class[person.patient_class]
            if distribution is None:
                return None
            self._draws[place] = self._make(person.patient_class, visit, distribution)
        return self._draws[place][person.key]

    def _make(self, patient_class: str, visit: int, distribution: Distribution) -> Draws:
        seed, replication, name = self._key
        again = "" if visit == 1 else f"#{visit}"
        return Draws(Uniforms(seed, replication, f"{name}.{patient_class}{again}"), distribution)


class Station:
    """One staffed node of a running clinic."""

    def __init__(
        self, clinic: Clinic, node: StaffedNode, index: int, pools: list[Pool], bay: Bay
    ) -> None:
        scenario, replication = clinic.scenario, clinic.replication
        self._clinic = clinic
        self._env = clinic.env
        self.node = node
        self.index = index
        self.pools = pools
        self.bay = bay
        self.diagnoses = node.diagnosis
        self.table = Table(COLUMNS)
        self._lone = pools[0] if len(pools) == 1 else None
        self.present: set[Request] = set()
        self.area = 0.0  # patient-minutes spent here
        self.waiting = 0
        self._last_min = clinic.env.now
        self._order = node.queue.order
        self._finishing = (self._finish,)
        self._preempts = node.queue.preempt == "resume"
        self._overdue_min = node.queue.overdue_after_min
        self._room = node.queue.room
        self._balk = node.queue.balk
        self._bounded = self._room is not None or self._balk is not None
        self._service = Timed(scenario.seed, replication, f"service.{node.id}")
        self._patience = Timed(scenario.seed, replication, f"patience.{node.id}")
        self._impatient = False
        self._balks = Visits(scenario.seed, replication, f"balk.{node.id}")
        self._priority: list[int] = []
        for one in scenario.patient_classes:
            patience = one.patience.get(node.id, node.queue.patience)
            self._impatient = self._impatient or patience is not None
            self._service.know(one.id, one.service.get(node.id, node.service))
            self._patience.know(one.id, patience)
            of_class = one.priority
            self._priority.append(
                of_class.get(node.id, node.priority)
                if isinstance(of_class, dict)
                else of_class or node.priority
            )

    def free(self) -> bool:
        """Return whether everyone needed is free."""
        lone = self._lone
        if lone is not None:
            return lone.busy < lone.capacity
        return all(pool.busy < pool.capacity for pool in self.pools)

    def enter(self, person: Person, now_min: float) -> None:
        """Take a patient in: serve, queue, or send away."""
        person.seen[self.index] = visit = person.seen[self.index] + 1
        rank = 0.0 if self._order == "fifo" else self.rank(person)
        request = Request(person, self, visit, rank, now_min)
        free = self.free()
        if not free and self._bounded and self._turned_away(request):
            return
        self._note(now_min)
        self.present.add(request)
        self.waiting += 1
        if free:
            self.begin(request, now_min)
            return
        self.bay.join(request)
        if self._preempts:
            self._interrupt_for(request, now_min)
            if request.state is not State.WAITING:
                return
        if self._impatient:
            patience_min = self._patience.of(person, visit)
            if patience_min is not None:
                self._after(patience_min, self._lose_patience, request)
        if self._overdue_min is not None:
            self._after(self._overdue_min, self._become_overdue, request)

    def resume(self, person: Person, since_min: float) -> None:
        """Take in one who was waiting before the run began; nobody is served until a dispatch.

        Assumption: patience begins anew; how long a patient would still wait is not known.
        """
        person.seen[self.index] = visit = person.seen[self.index] + 1
        request = Request(person, self, visit, self.rank(person), since_min)
        self.present.add(request)
        self.waiting += 1
        patience_min = self._patience.of(person, visit) if self._impatient else None
        if patience_min is not None:
            self._after(patience_min, self._lose_patience, request)
        if self._overdue_min is not None:
            left_min = self._overdue_min - (self._env.now - since_min)
            if left_min > 0:
                self._after(left_min, self._become_overdue, request)
            else:
                request.rank = _OVERDUE
        self.bay.join(request)

    def begin(self, request: Request, now_min: float) -> None:
        """Begin or resume a patient's service; everyone needed is free."""
        for pool in self.pools:
            pool.change(now_min, 1)
        self.waiting -= 1
        if request.start_min < 0:
            request.start_min = now_min
            service_min = self._service.of(request.person, request.visit)
            assert service_min is not None  # every class has a service time here
            request.left_min = service_min
        request.waited_min += now_min - request.since_min
        request.since_min = now_min
        request.state = State.SERVED
        request.token = Due(self._env, request.left_min, self._finishing, request)
        if self.bay.serving is not None:
            self.bay.serving.add(request)

    def settle(self, now_min: float) -> None:
        """Close the books at the end of a run: whoever is still here gets a row, too."""
        self._note(now_min)
        for request in sorted(self.present, key=lambda r: (r.person.number, r.visit)):
            if request.state is State.WAITING:
                request.waited_min += now_min - request.since_min
            self._record(request, _NAN)

    def rank(self, person: Person) -> float:
        """Return a patient's rank in the queue; smaller goes first."""
        match self._order:
            case "fifo":
                return 0.0
            case "priority":
                return self._priority[person.class_index]
            case "ai":
                # Assumption: a case without a verdict is read as if surely malignant; nobody
                # waits longer because the twin failed.
                return _SURELY if person.p_malignant is None else -person.p_malignant
            case "flag":
                return 1.0 if person.flagged is False else 0.0

    def _turned_away(self, request: Request) -> bool:
        person = request.person
        queue = self.node.queue
        balk = self._balk
        if (
            balk is not None
            and self.waiting >= balk.at_length
            and self._balks.of(person.key, request.visit) < balk.share
        ):
            self._give_up(request, State.BALKED, queue.left)
            return True
        if self._room is not None and self.waiting >= self._room:
            self._give_up(request, State.BLOCKED, queue.full)
            return True
        return False

    def _interrupt_for(self, request: Request, now_min: float) -> None:
        victim = self.bay.least_urgent()
        if victim is None or victim.rank <= request.rank:
            return
        station = victim.station
        assert self.bay.serving is not None
        self.bay.serving.discard(victim)
        for pool in station.pools:
            pool.change(now_min, -1)
        victim.left_min = max(0.0, victim.left_min - (now_min - victim.since_min))
        victim.since_min = now_min
        victim.state = State.WAITING
        victim.token = None
        station.waiting += 1
        self.bay.join(victim)
        self.bay.dispatch(now_min)

    def _finish(self, event: Due) -> None:
        request: Request = event.what
        if request.token is not event:
            return  # was interrupted meanwhile
        now_min = self._env.now
        for pool in self.pools:
            pool.change(now_min, -1)
        if self.bay.serving is not None:
            self.bay.serving.discard(request)
        request.state = State.DONE
        self._note(now_min)
        self.present.discard(request)
        self._record(request, now_min)
        # Before the patient moves on: who comes back at once stands behind those who wait.
        self.bay.dispatch(now_min)
        self._clinic.served(self, request, now_min)

    def _lose_patience(self, event: Due) -> None:
        request: Request = event.what
        if request.state is State.WAITING and request.start_min < 0:
            now_min = self._env.now
            self._note(now_min)
            self.present.discard(request)
            self.waiting -= 1
            request.waited_min += now_min - request.since_min
            self._give_up(request, State.RENEGED, self.node.queue.left)

    def _become_overdue(self, event: Due) -> None:
        request: Request = event.what
        if request.state is State.WAITING:
            request.rank = _OVERDUE
            self.bay.join(request)

    def _give_up(self, request: Request, why: State, where: str) -> None:
        request.state = why
        self._record(request, self._env.now)
        self._clinic.move(request.person, where, gave_up=True)

    def _after(self, minutes: float, then: Then, request: Request) -> None:
        Due(self._env, minutes, (then,), request)

    def _note(self, now_min: float) -> None:
        self.area += len(self.present) * (now_min - self._last_min)
        self._last_min = now_min

    def _record(self, request: Request, end_min: float) -> None:
        self.table.add(
            (
                request.person.number,
                request.visit,
                request.queued_min,
                _NAN if request.start_min < 0 else request.start_min,
                end_min,
                request.waited_min,
                request.state,
            )
        )
