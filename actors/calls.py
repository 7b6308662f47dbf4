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


class FatalBatchError(Exception):
    """A batch has ended its component, or made it fail, so often that it is to blame.

    Arguments: how many of the component's deaths it cost, and the last one's reason.
    """


@dataclass(frozen=True, slots=True)
class Calls:
    """Sends calls to the actors of a supervisor."""

    supervisor: Supervisor

    def send(self, seat: Seat, *batch: Any, **more: Any) -> Call:  # noqa: ANN401
        """Call an actor without waiting; arguments are values or references."""
        self.supervisor.start(seat)  # if nobody waited for it to be ready
        return Call(seat, seat.generation, seat.actor.handle.remote(*batch, **more))

    def put(self, value: Any) -> Any:  # noqa: ANN401
        """Return a reference to a value, for several calls."""
        return ray.put(value)

    def answer_of(
        self,
        call: Call,
        *batch: Any,  # noqa: ANN401
        blame_after: int | None = None,
        **more: Any,  # noqa: ANN401
    ) -> tuple[Any, Any] | None:
        """Return a call's (reference, value), sent again if its actor died; None if it is gone.

        Parameters:
            blame_after: deaths after which it is the batch that is to blame; None: never.

        Raises:
            DermtwinError: the component itself raised it.
            FatalBatchError: the batch is to blame; the component is up again.
        """
        deaths = failures = 0
        while True:
            try:
                return call.answer, ray.get(call.answer, timeout=CALL_TIMEOUT_S)
            except (RayActorError, GetTimeoutError) as error:
                deaths += 1
                said = first_line(error)
                self.supervisor.died(call.seat, call.generation, said)
                if not self.supervisor.restart(call.seat):
                    return None
            except RayTaskError as error:
                if isinstance(error.cause, DermtwinError):
                    raise error.cause from error
                if blame_after is None:
                    raise
                failures += 1  # it cannot be said to be the batch's fault before it was tried alone
                said = f"{type(error.cause).__name__}: {error.cause}"
            if blame_after is not None and deaths + failures >= blame_after:
                raise FatalBatchError(deaths, said)
            call = self.send(call.seat, *batch, **more)
