"""Remembers what components reported, so that a run can say what was degraded (law 10)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from twin.errors import DependencyError
from twin.events import ComponentChanged
from twin.lifecycle import ComponentState

_WELL = (ComponentState.READY, ComponentState.STARTING, ComponentState.STOPPED)


@dataclass(slots=True)
class Watch:
    """Takes every change of a component; `forward` passes it on, if set."""

    latest: dict[str, ComponentChanged] = field(default_factory=dict)
    forward: Callable[[ComponentChanged], None] | None = None
    _before: dict[str, int] = field(default_factory=dict)  # restarts that were told already

    def __call__(self, event: ComponentChanged) -> None:
        """Take note of a change."""
        self.latest[event.component] = event
        if self.forward is not None:
            self.forward(event)

    def pass_on(self, forward: Callable[[ComponentChanged], None]) -> None:
        """Pass on what is known and what will be; changes that a broker does not take are lost.

        The next change, a few seconds later, says how the component is then.
        """

        def passed(event: ComponentChanged) -> None:
            with suppress(DependencyError):
                forward(event)

        self.forward = passed
        for event in list(self.latest.values()):
            passed(event)

    def begin(self) -> None:
        """Count restarts from now on: components may serve one log after another."""
        self._before = {name: event.restarts for name, event in self.latest.items()}

    def restarts(self) -> dict[str, int]:
        """Return the components that were restarted, and how often."""
        since = {
            name: event.restarts - self._before.get(name, 0) for name, event in self.latest.items()
        }
        return {name: times for name, times in since.items() if times}

    def complaints(self) -> list[str]:
        """Return in words what is or was down."""
        down = [
            f"{name} is {event.state}: {event.reason}"
            for name, event in self.latest.items()
            if event.state not in _WELL
        ]
        again = [f"{name} was restarted {times} time(s)" for name, times in self.restarts().items()]
        return down + again
