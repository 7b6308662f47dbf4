"""How many of a staff group are on duty, minute by minute of a run."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import count

from simulator.language.calendar import WEEK_MIN
from simulator.language.staff import StaffSpec


def capacity_changes(
    spec: StaffSpec, start_min: float = 0.0, horizon_min: float | None = None
) -> Iterator[tuple[float, int]]:
    """Yield (time, people on duty from then on), first at time 0, each unlike the one before.

    It ends when nothing changes any more; a roster has no end of its own.

    Parameters:
        spec: the group.
        start_min: when in the week the run starts, minutes since Monday 00:00.
        horizon_min: changes at this time or later are left out; None for no such end.

    >>> nurse = StaffSpec(count=2, roster="Mon-Fri 08:00-17:00")
    >>> list(capacity_changes(nurse, start_min=540.0, horizon_min=1440.0))
    [(0.0, 2), (480.0, 0), (1380.0, 2)]
    """
    levels = spec.levels()
    before: int | None = None
    for at_min in _moments(spec, levels, start_min):
        if horizon_min is not None and at_min >= horizon_min and before is not None:
            return
        minute = (start_min + at_min) % WEEK_MIN
        rostered = next(people for since, people in reversed(levels) if since <= minute)
        away = sum(
            absence.count
            for absence in spec.absent
            if absence.from_min <= at_min < absence.from_min + absence.for_min
        )
        people = max(0, rostered - away)
        if people != before:
            yield at_min, people
        before = people


def changes_from(
    changes: Iterator[tuple[float, int]], at_min: float
) -> Iterator[tuple[float, int]]:
    """Yield changes from a time on, first the number of people at that time.

    >>> list(changes_from(iter([(0.0, 2), (480.0, 0), (1380.0, 2)]), 500.0))
    [(500.0, 0), (1380.0, 2)]
    """
    people = 0
    for change_min, level in changes:
        if change_min > at_min:
            yield at_min, people
            yield change_min, level
            yield from changes
            return
        people = level
    yield at_min, people


def available_min(changes: Iterable[tuple[float, int]], from_min: float, to_min: float) -> float:
    """Return the person-minutes on duty between two times.

    Parameters:
        changes: as `capacity_changes` yields them; read as far as `to_min`.
        from_min: from 0 on.
        to_min: from `from_min` on.

    >>> available_min([(0.0, 2), (60.0, 0), (90.0, 1)], 30.0, 100.0)
    70.0
    """
    total = 0.0
    since_min, people = from_min, 0
    for at_min, level in changes:
        if at_min >= to_min:
            break
        if at_min > since_min:
            total += people * (at_min - since_min)
            since_min = at_min
        people = level
    return total + people * (to_min - since_min)


def _moments(
    spec: StaffSpec, levels: tuple[tuple[float, int], ...], start_min: float
) -> Iterator[float]:
    """Yield 0 and all later times at which the number may change, in order."""
    yield 0.0
    bounds = (
        minute
        for absence in spec.absent
        for minute in (absence.from_min, absence.from_min + absence.for_min)
    )
    absences = sorted(minute for minute in bounds if minute > 0)
    if len(levels) == 1:  # always the same: only absences change it
        yield from absences
        return
    roster = (week * WEEK_MIN + minute - start_min for week in count() for minute, _ in levels)
    yield from heapq.merge((minute for minute in roster if minute > 0), absences)
