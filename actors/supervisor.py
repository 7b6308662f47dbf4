"""Watches over actors: knows each one's state, and builds a dead one again from the artefact."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

import ray
from ray.exceptions import GetTimeoutError, RayActorError

from twin.component import Facts
from twin.errors import DependencyError
from twin.events import ComponentChanged
from twin.lifecycle import ComponentMove, ComponentState, move_component

# A component that dies more often than this is left failed: assumption, to be seen by people.
MAX_RESTARTS: Final = 5
# TensorFlow alone imports in 7 to 16 s on a slow core.
START_TIMEOUT_S: Final = 180.0


@dataclass(slots=True)
class Seat:
    """One actor's place: what is needed to build it, and how it stands."""

    name: str  # of the actor: the component's, with its number if there are replicas
    host: type  # plain host class that the actor wraps
    arguments: tuple[Any, ...]  # of the host; object-store references for the artefact's bytes
    cpus: float
    actor: Any = None
    generation: int = 0  # counts the actors that have sat here
    state: ComponentState = ComponentState.STARTING
    restarts: int = 0
    reason: str = ""
    facts: Facts | None = field(default=None)
    # Started when it is first asked, and started again only then: nobody waits for it meanwhile.
    on_demand: bool = False
    asked: Any = None  # generation and question for facts under way; of those on demand alone
    lock: Lock = field(default_factory=Lock)


class Supervisor:
    """Starts, checks and restarts the actors of one model.

    Parameters:
        model_id: artefact that the actors are built from.
        on_change: is told of every change of state; it must not block for long.
        clock: wall clock in seconds since 1970, for the telemetry events.
    """

    def __init__(
        self,
        model_id: str,
        on_change: Callable[[ComponentChanged], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._model_id = model_id
        self._on_change = on_change
        self._clock = clock
        self.seats: dict[str, Seat] = {}

    def start(self, seat: Seat) -> None:
        """Start an actor without waiting for it; nothing happens if it has been started."""
        if seat.name not in self.seats:
            self.enlist(seat)
        if seat.actor is None:
            self._spawn(seat)

    def enlist(self, seat: Seat) -> None:
        """Take on an actor that `await_ready` will start."""
        self.seats[seat.name] = seat
        self._tell(seat)

    def is_ready(self, seat: Seat, timeout_s: float = START_TIMEOUT_S) -> bool:
        """Start one actor if it is not up, and wait for it; return whether it answers."""
        self.start(seat)
        if seat.state in (ComponentState.STARTING, ComponentState.RESTARTING):
            self._await(seat, timeout_s)
        return self.restart(seat)

    def await_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until every actor has answered once; one that dies is started again.

        Those that start on demand are not waited for.

        Raises:
            DependencyError: one of them did not answer in all its restarts, and why.
        """
        self._start_enlisted()
        for seat in self._of_all_cases():
            if not self._await(seat, timeout_s) and not self.restart(seat):
                raise DependencyError(f"component {seat.name} did not start: {seat.reason}")

    def died(self, seat: Seat, generation: int, reason: str) -> None:
        """Take note that the actor of this generation is gone; older news is ignored."""
        with seat.lock:  # two threads may find out at once
            if generation != seat.generation or seat.state is ComponentState.FAILED:
                return
            ray.kill(seat.actor)  # a hung process must not answer later
            self._move(seat, ComponentMove.DIED, reason)

    def restart(self, seat: Seat) -> bool:
        """Build a failed actor again; return whether it is ready."""
        while seat.state is ComponentState.FAILED and seat.restarts < MAX_RESTARTS:
            seat.restarts += 1
            self._move(seat, ComponentMove.RESTART, seat.reason)
            self._spawn(seat)
            self._await(seat, START_TIMEOUT_S)
        return seat.state is ComponentState.READY

    def check(self, timeout_s: float = 30.0) -> None:
        """Ask every actor for its facts; restart those that are gone.

        One that is started on demand may be busy for long: it is asked, and nobody waits.
        """
        self._glance()
        asked = {
            seat.name: (seat.generation, seat.actor.describe.remote())
            for seat in self._of_all_cases()
            if seat.state is ComponentState.READY
        }
        for name, (generation, answer) in asked.items():
            seat = self.seats[name]
            try:
                seat.facts = ray.get(answer, timeout=timeout_s)
            except (RayActorError, GetTimeoutError) as error:
                self.died(seat, generation, first_line(error))
                self.restart(seat)
            else:
                self._tell(seat)

    def stop(self) -> None:
        """End all actors."""
        for seat in list(self.seats.values()):
            if seat.state is not ComponentState.STOPPED:
                if seat.actor is not None:
                    ray.kill(seat.actor)
                self._move(seat, ComponentMove.STOP, "the twin was stopped")

    def _start_enlisted(self) -> None:
        """Start who was enlisted: one at a time while one of those started before is not ready.

        A process of Ray's takes about a second of CPU to start. All at once they would share the
        cores with the stem, which has far more to import than they and would be ready last.
        """
        seats = self._of_all_cases()
        slow = [seat.actor.describe.remote() for seat in seats if seat.actor]
        enlisted = [seat for seat in seats if seat.actor is None]
        for seat in enlisted:
            self.start(seat)
            if slow:
                ready, _ = ray.wait([seat.actor.describe.remote(), *slow], num_returns=1)
                slow = [reference for reference in slow if reference not in ready]

    def _of_all_cases(self) -> list[Seat]:
        """Return the seats of the actors that every case needs."""
        return [seat for seat in list(self.seats.values()) if not seat.on_demand]

    def _glance(self) -> None:
        """Take up what actors on demand have said, and ask again; wait for none of them."""
        for seat in list(self.seats.values()):
            if not seat.on_demand or seat.state is not ComponentState.READY:
                continue
            if seat.asked is None:
                seat.asked = seat.generation, seat.actor.describe.remote()
            generation, answer = seat.asked
            if not ray.wait([answer], timeout=0)[0]:
                continue
            seat.asked = None
            try:
                seat.facts = ray.get(answer)
            except RayActorError as error:
                self.died(seat, generation, first_line(error))
            else:
                self._tell(seat)

    def _spawn(self, seat: Seat) -> None:
        seat.generation += 1
        # Ray must not restart an actor behind our back: a restart is counted and told.
        wrapped: Any = ray.remote(seat.host).options(num_cpus=seat.cpus, max_restarts=0)
        seat.actor = wrapped.remote(*seat.arguments)

    def _await(self, seat: Seat, timeout_s: float) -> bool:
        try:
            seat.facts = ray.get(seat.actor.describe.remote(), timeout=timeout_s)
        except (RayActorError, GetTimeoutError) as error:
            self.died(seat, seat.generation, first_line(error))
            return False
        if seat.state is not ComponentState.READY:
            self._move(seat, ComponentMove.ANSWERED, seat.reason)
        return True

    def _move(self, seat: Seat, move: ComponentMove, reason: str) -> None:
        seat.state = move_component(seat.name, seat.state, move)
        seat.reason = reason
        self._tell(seat)

    def _tell(self, seat: Seat) -> None:
        self._on_change(
            ComponentChanged(
                component=seat.name,
                at_unix_s=self._clock(),
                state=seat.state.value,
                restarts=seat.restarts,
                model_id=self._model_id,
                reason=seat.reason,
                facts=_numbers(seat.facts),
            )
        )


def first_line(error: BaseException) -> str:
    """Return an error's kind and first line: Ray's messages run over a screen."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"


def _numbers(facts: Facts | None) -> dict[str, float]:
    if facts is None:
        return {}
    return {
        "pid": float(facts.pid),
        "load_s": round(facts.load_s, 3),
        "batches": float(facts.batches),
        "images": float(facts.images),
        "busy_s": round(facts.busy_s, 3),
    }
