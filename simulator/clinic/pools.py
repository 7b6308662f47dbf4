"""Staff, and the queue that groups of staff share.

SimPy's own priority resource sorts its whole queue at each arrival and cannot re-rank; this one
keeps a heap with lazy deletion. The order is total, so that ties do not depend on who asked first
within one instant.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from itertools import chain
from typing import Final, Protocol

from simulator.clinic.person import Person

_STALE: Final = 64  # entries that no longer count and are put up with; assumption


class State(IntEnum):
    """What a visit is doing; a finished one has its outcome."""

    WAITING = 0
    SERVED = 1  # is being served
    DONE = 2
    RENEGED = 3
    BALKED = 4
    BLOCKED = 5


class Server(Protocol):
    """What a waiting list asks of a station."""

    pools: "list[Pool]"
    waiting: int  # patients

    def free(self) -> bool:
        """Return whether everyone needed is free."""
        ...

    def begin(self, request: "Request", now_min: float) -> None:
        """Begin or resume a patient's service."""
        ...


class Request:
    """One patient's visit to a station."""

    __slots__ = (
        "entry",
        "left_min",
        "person",
        "queued_min",
        "rank",
        "since_min",
        "start_min",
        "state",
        "station",
        "token",
        "visit",
        "waited_min",
    )

    def __init__(
        self, person: Person, station: Server, visit: int, rank: float, now_min: float
    ) -> None:
        self.person = person
        self.station = station
        self.visit = visit  # of this patient to this station, from 1
        self.rank = rank  # smaller goes first
        self.queued_min = self.since_min = now_min  # joined; began to wait, the last time
        self.waited_min = 0.0  # in all, interruptions included
        self.start_min = -1.0  # of service, the first time; -1 before
        self.left_min = 0.0  # service still to be done
        self.state = State.WAITING
        self.token: object = None  # the event that will end this spell of service
        self.entry = -1  # the entry in the heap that counts

    def waits_as(self, entry: int) -> bool:
        """Return whether it waits, and that entry of the list is the one that counts."""
        return self.entry == entry and self.state is State.WAITING


_Line = list[tuple[float, float, int, int, Request]]  # a heap; smaller goes first


class Pool:
    """A group of interchangeable people."""

    __slots__ = ("busy", "busy_area", "capacity", "duty_area", "last_min", "name")

    def __init__(self, name: str, now_min: float = 0.0) -> None:
        self.name = name
        self.capacity = 0
        self.busy = 0  # may exceed the capacity: whoever is served at the end of duty is finished
        self.busy_area = 0.0  # person-minutes of work
        self.duty_area = 0.0  # person-minutes on duty; overtime counts as duty
        self.last_min = now_min

    def change(self, now_min: float, by: int) -> None:
        """Bring the areas up to now; from now on so many more are at work."""
        span_min = now_min - self.last_min
        if span_min:
            busy = self.busy
            self.busy_area += busy * span_min
            self.duty_area += (busy if busy > self.capacity else self.capacity) * span_min
            self.last_min = now_min
        self.busy += by


class Bay:
    """One waiting list for all stations that share staff.

    Whoever is first and can be served, is. A patient who needs several people at once does not
    hold back one of them for it: those behind, who need fewer, may go first. `overdue_after`
    bounds what that can cost.
    """

    def __init__(self, pools: Sequence[Pool]) -> None:
        self.pools = tuple(pools)
        self.serving: set[Request] | None = None  # kept only where somebody may be interrupted
        self._lines: dict[Server, _Line] = {}  # by station: all of one can be served, or none
        self._entries = 0

    def join(self, request: Request) -> None:
        """Put a request on the list; a second time, with another rank, replaces the first."""
        self._entries += 1
        request.entry = self._entries
        line = self._lines.get(request.station)
        if line is None:
            line = self._lines[request.station] = []
        elif len(line) > 2 * request.station.waiting + _STALE:
            line[:] = [item for item in line if item[-1].waits_as(item[-2])]
            heapq.heapify(line)
        heapq.heappush(
            line,
            (request.rank, request.queued_min, request.person.number, self._entries, request),
        )

    def dispatch(self, now_min: float) -> None:
        """Start whoever can be served now, in order."""
        while True:
            first: _Line | None = None
            for station, line in self._lines.items():
                while line and not line[0][-1].waits_as(line[0][-2]):
                    heapq.heappop(line)
                if line and (first is None or line[0] < first[0]) and station.free():
                    first = line
            if first is None:
                return
            request = heapq.heappop(first)[-1]
            request.station.begin(request, now_min)

    def least_urgent(self) -> Request | None:
        """Return the request in service that goes last; of several, the one begun last."""
        if not self.serving:
            return None
        return max(self.serving, key=lambda r: (r.rank, r.queued_min, r.person.number))


def bays_of(needs: Iterable[Sequence[str]], pools: Mapping[str, Pool]) -> dict[str, Bay]:
    """Return the waiting list of each group: one for all that are ever needed together.

    Parameters:
        needs: for each station, the groups that it needs at the same time.
        pools: all groups by name.
    """
    together: dict[str, set[str]] = {name: {name} for name in pools}
    for need in needs:
        joined = set(chain.from_iterable(together[name] for name in need))
        for name in joined:
            together[name] = joined
    made: dict[frozenset[str], Bay] = {}
    for group in map(frozenset, together.values()):
        if group not in made:
            made[group] = Bay([pools[name] for name in pools if name in group])
    return {name: made[frozenset(group)] for name, group in together.items()}
