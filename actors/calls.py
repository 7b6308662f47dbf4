"""Calls to actors that may die under them: sent again to the one that was built anew."""

from dataclasses import dataclass
from typing import Any, Final

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from actors.seat import Seat
from actors.supervisor import Supervisor, first_line
from twin.errors import DermtwinError

# A batch of 64 takes under a second; an actor silent for this long is taken for hung.
CALL_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was sent to an actor, with the generation that it was sent to."""

    seat: Seat
    generation: int
    answer: Any  # object reference


@dataclass(frozen=True, slots=True)
class Calls:
    """Sends calls to the actors of a supervisor."""

    supervisor: Supervisor

    def send(self, seat: Seat, *batch: Any, **more: Any) -> Call:  # noqa: ANN401
        """Call an actor without waiting; arguments are values or references."""
        self.supervisor.start(seat)  # if nobody waited for it to be ready
        return Call(seat, seat.generation, seat.actor.handle.remote(*batch, **more))

    def answer_of(
        self,
        call: Call,
        *batch: Any,  # noqa: ANN401
        **more: Any,  # noqa: ANN401
    ) -> tuple[Any, Any] | None:
        """Return a call's (reference, value), sent again if its actor died; None if it is gone.

        Raises:
            DermtwinError: the component itself raised it.
        """
        while True:
            try:
                return call.answer, ray.get(call.answer, timeout=CALL_TIMEOUT_S)
            except (RayActorError, GetTimeoutError) as error:
                self.supervisor.died(call.seat, call.generation, first_line(error))
                if not self.supervisor.restart(call.seat):
                    return None
                call = self.send(call.seat, *batch, **more)
            except RayTaskError as error:
                if isinstance(error.cause, DermtwinError):
                    raise error.cause from error
                raise
