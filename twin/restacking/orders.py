"""Orders to bring an earlier version back, from the plan and from the log.

An order is carried out at the first epoch after it and stands until then. A re-stacker that reads
the log again takes over what was decided, so it has to tell from a decision which orders it
answered: a rollback to the ordered version did, and so did a refusal because there is none. An
order that came onto the log too late for an epoch's decision is therefore not lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from twin.events import EpochReached, StackOrdered, StackPromoted, StackRejected
from twin.restacking.plan import RollbackOrder

ROLLBACK: Final = "rollback"  # how such a decision is made


@dataclass(frozen=True, slots=True, order=True)
class Order:
    """Somebody wants a version back."""

    at_min: float
    order_id: str  # empty for one of the plan
    version: int
    words: str  # why

    def before(self, epoch: EpochReached) -> bool:
        """Return whether an epoch may carry it out: of the log, what came before it counts."""
        if not self.order_id:
            return self.at_min <= epoch.at_min
        return self.at_min < epoch.at_min


class Orders:
    """Those that stand.

    Parameters:
        planned: known before the run.
    """

    def __init__(self, planned: Sequence[RollbackOrder]) -> None:
        self._stand = {
            Order(one.at_min, "", one.version, f"version {one.version} was ordered back")
            for one in planned
        }
        self._noted: set[str] = set()

    def note(self, event: StackOrdered) -> None:
        """Take an order of the log in; one that was noted before changes nothing."""
        if event.order_id not in self._noted:
            self._noted.add(event.order_id)
            words = f"version {event.version} was ordered back by {event.by}: {event.reason}"
            self._stand.add(Order(event.at_min, event.order_id, event.version, words))

    def due(self, epoch: EpochReached) -> Order | None:
        """Return the latest order from before an epoch; earlier ones go with it."""
        return max((one for one in self._stand if one.before(epoch)), default=None)

    def passed(
        self,
        epoch: EpochReached,
        decision: StackPromoted | StackRejected,
        origin: Callable[[int], int | None],
    ) -> None:
        """Forget the orders that an epoch's decision has answered.

        Parameters:
            origin: of a version, the one whose weights it has; None where there is no such version.
        """
        due = self.due(epoch)
        if due is None or decision.how != ROLLBACK:
            return
        if isinstance(decision, StackRejected) or decision.restores == origin(due.version):
            self._stand = {one for one in self._stand if one > due}
