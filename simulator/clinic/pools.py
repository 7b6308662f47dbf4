"""Staff, and the queue that groups of staff share.

SimPy's own priority resource sorts its whole queue at each arrival and cannot re-rank; this one
keeps a heap with lazy deletion. The order is total, so that ties do not depend on who asked first
within one instant.
"""

import heapq
from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from simulator.clinic.person import Person


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


class Pool:
    """A group of interchangeable people."""

    __slots__ = ("busy", "busy_area", "capacity", "duty_area", "last_min", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.capacity = 0
        self.busy = 0  # may exceed the capacity: whoever is served at the end of duty is finished
        self.busy_area = 0.0  # person-minutes of work
        self.duty_area = 0.0  # person-minutes on duty; overtime counts as duty
        self.last_min = 0.0

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
        self.lone = self.pools[0] if len(self.pools) == 1 else None
        self.serving: set[Request] | None = None  # kept only where somebody may be interrupted
        self._heap: list[tuple[float, float, int, int, Request]] = []
        self._entries = 0

    def join(self, request: Request) -> None:
        """Put a request on the list; a second time, with another rank, replaces the first."""
        self._entries += 1
        request.entry = self._entries
        heapq.heappush(
            self._heap,
            (
                request.rank,
                request.queued_min,
                request.person.number,
                self._entries,
                request,
            ),
        )

    def dispatch(self, now_min: float) -> None:
        """Start whoever can be served now, in order."""
        heap, lone = self._heap, self.lone
        if lone is not None:
            while heap and lone.busy < lone.capacity:
                *_, entry, request = heapq.heappop(heap)
                if request.entry == entry and request.state is State.WAITING:
                    request.station.begin(request, now_min)
            return
        passed = []
        while heap and any(pool.busy < pool.capacity for pool in self.pools):
            item = heapq.heappop(heap)
            *_, entry, request = item
            if request.entry != entry or request.state is not State.WAITING:
                continue
            if request.station.free():
                request.station.begin(request, now_min)
            else:
                passed.append(item)
        for item in passed:
            heapq.heappush(heap, item)

    def least_urgent(self) -> Request | None:
        """Return the request in service that goes last; of several, the one begun last."""
        if not self.serving:
            return None
        return max(self.serving, key=lambda r: (r.rank, r.queued_min, r.person.number))
