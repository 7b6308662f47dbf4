"""Watches over actors: knows each one's state, and builds a dead one again from the artefact."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

import ray
from ray.exceptions import GetTimeoutError, RayActorError

from actors.seat import Asked, Seat
from twin.errors import DependencyError
from twin.events import ComponentChanged
from twin.lifecycle import ComponentMove, ComponentState, move_component

# A component that dies more often than this within so long is given up for a while, so that
# people see it; old restarts are forgiven, or a twin that is up for months would die of them. What
# a poison image cost is forgiven at once. Assumptions.
MAX_RESTARTS: Final = 5
WINDOW_S: Final = 600.0
TRY_AGAIN_S: Final = 300.0  # after which one that was given up is tried again
# TensorFlow alone imports in 7 to 16 s on a slow core.
START_TIMEOUT_S: Final = 180.0
# An actor that has not said a word of itself for this long is taken for hung: assumption. Its
# batches stand before the question, and one of 64 takes about a second.
ANSWER_TIMEOUT_S: Final = 30.0
ASK_EVERY_S: Final = 2.0  # facts are asked for, one call of about a millisecond each: assumption
BUSY_AFTER_S: Final = 5.0  # one that has not answered for so long is told of as busy: assumption


class Supervisor:
    """Starts, checks and restarts the actors of one model.

    Parameters:
        model_id: artefact that the actors are built from.
        on_change: is told of every change of state; it must not block for long.
        clock: wall clock in seconds since 1970, for the telemetry events.
        elapsed: seconds that only go forward, for how long somebody has been asked.
    """

    def __init__(
        self,
        model_id: str,
        on_change: Callable[[ComponentChanged], None],
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model_id = model_id
        self._on_change = on_change
        self._clock = clock
        self._elapsed = elapsed
        self._looking = Lock()
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
            DependencyError: one of them did not answer in the restarts that it has, and why.
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
        while seat.state is ComponentState.FAILED and self._may_restart(seat):
            seat.restarts += 1
            seat.spent.append(self._elapsed())
            self._move(seat, ComponentMove.RESTART, seat.reason)
            self._spawn(seat)
            self._await(seat, START_TIMEOUT_S)
        if seat.state is ComponentState.FAILED and not seat.given_up:
            seat.given_up = True
            seat.reason += f"; tried again in {TRY_AGAIN_S / 60:g} min"
            self._tell(seat)
        return seat.state is ComponentState.READY

    def forgive(self, seat: Seat, deaths: int, image: str) -> None:
        """Take back what deaths count for: an image is to blame, and will not come again.

        Parameters:
            image: its name.
        """
        for _ in range(min(deaths, len(seat.spent))):
            seat.spent.pop()
        seat.poisoned += 1
        seat.reason = f"left out {seat.poisoned} image(s) that ended it, last {image[:80]}"
        self._tell(seat)

    def _may_restart(self, seat: Seat) -> bool:
        now_s = self._elapsed()
        while seat.spent and now_s - seat.spent[0] > WINDOW_S:
            seat.spent.popleft()
        if len(seat.spent) < MAX_RESTARTS or now_s - seat.spent[-1] >= TRY_AGAIN_S:
            seat.given_up = False
            return True
        return False

    def check(self, wait_s: float = 0.0) -> None:
        """Take up the facts that actors have told, ask again, and restart those that are gone.

        Everybody is asked about every 2 s and nobody is waited for: a question stands behind the
        batches that an actor has, and whoever waited for it would have none ready when they are
        done.

        Parameters:
            wait_s: ask everybody now, and give those that every case needs so long to answer.
        """
        if wait_s:
            self._look()  # an answer to an earlier question is none to be had now
        self._look(wait_s)
        for seat in self._of_all_cases():
            self.restart(seat)

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

    def _look(self, wait_s: float = 0.0) -> None:
        """Take up what has been answered, and ask again; restart nobody."""
        if not self._looking.acquire(blocking=False):  # another thread is about it
            return
        try:
            ready = [s for s in list(self.seats.values()) if s.state is ComponentState.READY]
            for seat in ready:
                now_s = self._elapsed()
                if seat.asked is None and (wait_s or now_s - seat.asked_s >= ASK_EVERY_S):
                    question = seat.actor.describe.remote()
                    seat.asked = Asked(seat.generation, question, now_s)
                    seat.asked_s = now_s
            needed = [s.asked.answer for s in ready if s.asked and not s.on_demand]
            if wait_s and needed:
                ray.wait(needed, num_returns=len(needed), timeout=wait_s)
            asked = [(seat, seat.asked) for seat in ready if seat.asked]
            answers = [one.answer for _, one in asked]
            # One look for all: it is what this costs most of the time.
            there = ray.wait(answers, num_returns=len(answers), timeout=0)[0] if answers else []
            for seat, one in asked:
                if one.answer in there:
                    self._take_up(seat, one)
                else:
                    self._wait_on(seat, one)
        finally:
            self._looking.release()

    def _take_up(self, seat: Seat, asked: Asked) -> None:
        seat.asked = None
        try:
            seat.facts = ray.get(asked.answer)
        except RayActorError as error:
            self.died(seat, asked.generation, first_line(error))
        else:
            self._tell(seat)

    def _wait_on(self, seat: Seat, asked: Asked) -> None:
        """Say of one that has not answered for long that it is busy, or take it for hung."""
        now_s = self._elapsed()
        waited_s = now_s - asked.at_s
        if waited_s > ANSWER_TIMEOUT_S and not seat.on_demand:
            seat.asked = None
            self.died(seat, asked.generation, f"has not answered for {waited_s:.0f} s")
        elif waited_s > BUSY_AFTER_S and now_s - seat.told_s > BUSY_AFTER_S:
            self._tell(seat, f"busy: has not answered for {waited_s:.0f} s")

    def _spawn(self, seat: Seat) -> None:
        seat.generation += 1
        # Ray must not restart an actor behind our back: a restart is counted and told.
        wrapped: Any = ray.remote(seat.host).options(
            num_cpus=seat.cpus, max_restarts=0, scheduling_strategy=seat.strategy
        )
        seat.actor = wrapped.remote(*seat.arguments)

    def _await(self, seat: Seat, timeout_s: float) -> bool:
        """Wait for an actor; go on telling of the others meanwhile."""
        generation, answer = seat.generation, seat.actor.describe.remote()
        deadline_s = self._elapsed() + timeout_s
        try:
            while not ray.wait([answer], timeout=ASK_EVERY_S)[0]:
                if self._elapsed() > deadline_s:
                    break
                self._look()
            seat.facts = ray.get(answer, timeout=0.001)
        except (RayActorError, GetTimeoutError) as error:
            self.died(seat, generation, first_line(error))
            return False
        if seat.state is not ComponentState.READY:
            self._move(seat, ComponentMove.ANSWERED, seat.reason)
        return True

    def _move(self, seat: Seat, move: ComponentMove, reason: str) -> None:
        seat.state = move_component(seat.name, seat.state, move)
        seat.reason = reason
        self._tell(seat)

    def _tell(self, seat: Seat, reason: str | None = None) -> None:
        seat.told_s = self._elapsed()
        facts = seat.facts
        self._on_change(
            ComponentChanged(
                component=seat.name,
                at_unix_s=self._clock(),
                state=seat.state.value,
                restarts=seat.restarts,
                model_id=self._model_id,
                reason=seat.reason if reason is None else reason,
                facts=(facts.numbers() if facts else {})
                | ({"poison_images": float(seat.poisoned)} if seat.poisoned else {}),
                last_input=facts.work.last_input if facts else "",
                last_output=facts.work.last_output if facts else "",
            )
        )


def first_line(error: BaseException) -> str:
    """Return an error's kind and first line: Ray's messages run over a screen."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"
