"""A re-stacker at hand, for links that call it themselves instead of reading its decisions."""

from twin.errors import InvariantError
from twin.events import EpochReached, LoggedEvent, StackEvent, StackPromoted
from twin.restacking.restacker import Restacker
from twin.stacks import StackBook


class AtHand:
    """Lets a re-stacker hear of everything, and writes what it promotes into the stack book.

    Parameters:
        restacker: decides at epochs; None where there are none.
        book: of the stacks that answer.
    """

    def __init__(self, restacker: Restacker | None, book: StackBook) -> None:
        self._restacker, self._book = restacker, book
        self._announced = False

    def note(self, event: LoggedEvent) -> None:
        """Let the re-stacker hear of it."""
        if self._restacker is not None:
            self._restacker.note(event)

    def epoch(self, event: EpochReached) -> list[StackEvent]:
        """Return what was decided; before the first decision, version 0 as an event.

        Raises:
            InvariantError: the re-stacker lacks an event from before the epoch.
        """
        restacker = self._restacker
        if restacker is None:
            raise InvariantError(f"epoch {event.epoch} of a run without re-stacking or drift")
        restacker.note(event)
        if restacker.ready() != event:
            raise InvariantError(f"epoch {event.epoch} cannot be decided: events are missing")
        decided: list[StackEvent] = [] if self._announced else [restacker.begin()]
        self._announced = True
        decided += restacker.decide(event)
        for one in decided:
            if isinstance(one, StackPromoted):
                self._book.add(one)
        return decided
