"""What is due at a time: the engine's own events on SimPy's calendar."""

from collections.abc import Callable
from typing import Any, ClassVar, cast

import simpy
from simpy.events import NORMAL, URGENT, Event

Then = Callable[["Due"], None]


class Due(Event):  # type: ignore[misc]  # SimPy ships no type information
    """A call at a time to come.

    SimPy's `Timeout` for whoever needs no more: it has one callback from the start, which several
    can share as it never changes, and it cannot fail. That halves what an event costs.

    Parameters:
        env: the calendar.
        minutes: from now, not negative.
        then: the call to make, alone in a tuple.
        what: what it is about; for the callback.
    """

    _ok = True
    _value: Any = None
    _priority: ClassVar[Any] = NORMAL

    def __init__(
        self,
        env: simpy.Environment,
        minutes: float,
        then: tuple[Then],
        what: Any,  # noqa: ANN401
    ) -> None:
        self.env = env
        self.callbacks = cast("Any", then)
        self.what = what
        env.schedule(self, self._priority, minutes)


class DueFirst(Due):
    """A call that comes before all others of its time."""

    _priority: ClassVar[Any] = URGENT
