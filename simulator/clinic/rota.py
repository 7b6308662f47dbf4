"""Who is on duty, as the clock goes on."""

from collections.abc import Iterator, Sequence

import simpy

from simulator.clinic.due import Due
from simulator.clinic.pools import Bay, Pool


class Rota:
    """Sets a group's size now, and again whenever its roster says so.

    Parameters:
        pool: the group.
        bays: waiting lists that it serves; they are looked at after each change.
        changes: (time, people from then on) in order; the first one is now.
    """

    def __init__(
        self,
        env: simpy.Environment,
        pool: Pool,
        bays: Sequence[Bay],
        changes: Iterator[tuple[float, int]],
    ) -> None:
        self._env = env
        self._pool = pool
        self._bays = bays
        self._changes = changes
        pool.capacity = next(changes)[1]
        self._await_next()

    def _await_next(self) -> None:
        upcoming = next(self._changes, None)
        if upcoming is not None:
            at_min, people = upcoming
            Due(self._env, max(0.0, at_min - self._env.now), (self._change,), people)

    def _change(self, event: Due) -> None:
        self._pool.change(self._env.now, 0)
        self._pool.capacity = event.what
        self._await_next()
        for bay in self._bays:
            bay.dispatch(self._env.now)
