"""The versions of a run in their order: which is in force, and what a rollback brings back."""

from twin.errors import InvariantError
from twin.events import StackPromoted
from twin.stacks import StackVersion, version_of


class Versions:
    """Grows by promotions.

    Parameters:
        first: version 0 as an event.
        base: the same as a stack.
    """

    def __init__(self, first: StackPromoted, base: StackVersion) -> None:
        self._events = [first]
        self._stacks = [base]

    def __len__(self) -> int:
        return len(self._stacks)

    @property
    def in_force(self) -> StackVersion:
        """The latest version."""
        return self._stacks[-1]

    @property
    def latest(self) -> StackPromoted:
        """How it came to be."""
        return self._events[-1]

    @property
    def rolled_back_min(self) -> float:
        """When the last rollback was; labels of earlier cases are not fitted to again."""
        times = [event.at_min for event in self._events if event.how == "rollback"]
        return max(times, default=0.0)

    def add(self, event: StackPromoted) -> None:
        """Take a promotion in.

        Raises:
            InvariantError: versions do not follow one another.
        """
        if event.version != len(self):
            raise InvariantError(f"stack {event.version} follows stack {len(self) - 1}")
        self._events.append(event)
        self._stacks.append(version_of(event))

    def stack(self, number: int) -> StackVersion:
        """Return a version."""
        return self._stacks[number]

    def at(self, at_min: float) -> StackVersion:
        """Return the version that answers a case that arrives at a time."""
        begun = [one.at_min <= at_min for one in self._events]
        return self._stacks[max(0, sum(begun) - 1)]

    def origin(self, number: int) -> int | None:
        """Return whose weights a version has: its own, or those that a rollback restored.

        None where there is no such version.
        """
        if not 0 <= number < len(self._events):
            return None
        restores = self._events[number].restores
        return number if restores is None else self.origin(restores)
