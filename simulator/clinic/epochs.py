"""The epochs of a run: the only times at which the twin may change (law 6)."""

import math

import simpy

from simulator.clinic.due import DueFirst, Then
from simulator.language.form import ScenarioForm


def epoch_times(scenario: ScenarioForm) -> tuple[float, ...]:
    """Return the times of all epochs up to the horizon, minutes; none where nothing happens then.

    The first is after one interval. One that falls on the horizon is the last.
    """
    every_min, horizon_min = scenario.epoch_min, scenario.horizon_min
    if every_min is None or horizon_min is None:
        return ()
    count = math.floor(horizon_min / every_min) + 1  # one more, should the quotient be rounded down
    times = (number * every_min for number in range(1, count + 1))
    return tuple(at_min for at_min in times if at_min <= horizon_min)


class Epochs:
    """The epochs on a calendar; each comes before everything else of its time.

    Parameters:
        then: called at each epoch with its number, from 1.
    """

    def __init__(self, env: simpy.Environment, times_min: tuple[float, ...], then: Then) -> None:
        self.times_min = times_min
        self.left = len(times_min)
        self._env = env
        self._then = then

    def begin(self) -> None:
        """Put all of them on the calendar, before a run's own end is: one at the end counts."""
        for number, at_min in enumerate(self.times_min, start=1):
            DueFirst(self._env, at_min, (self._reach,), number)

    def delay_to(self, at_min: float) -> float:
        """Return how long it is until a time, such that the calendar comes to that very time.

        now + (at - now) can miss `at` by a bit, and so fall on the other side of an epoch.
        """
        now_min: float = self._env.now
        delay_min = at_min - now_min
        for candidate in (
            delay_min,
            math.nextafter(delay_min, math.inf),
            math.nextafter(delay_min, -math.inf),
        ):
            if now_min + candidate == at_min:
                return candidate
        return delay_min

    def _reach(self, event: DueFirst) -> None:
        self.left -= 1
        self._then(event)
