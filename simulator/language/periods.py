"""The periods that shifts cut a run into: before, while one rises, complete, and after it."""

import math
from dataclasses import dataclass
from typing import Final

from simulator.language.form import ScenarioForm
from simulator.language.shifts import ShiftSpec

BEFORE: Final = "before"
_RISES, _ENDS, _OVER = "-ramp", "-end", "-over"  # after the shift's id; complete is the id alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A part of a run in which all shifts stay as they are, or rise and fall steadily."""

    name: str  # "before", or after the latest boundary, such as "summer-ramp" and "summer"
    from_min: float
    to_min: float  # infinite for the last of a run without horizon
    steady: bool  # whether no shift rises or falls in it


def periods(scenario: ScenarioForm) -> tuple[Period, ...]:
    """Return the periods in order; none where nothing shifts.

    Where several shifts have a boundary at once, what begins names the period, not what ends; of
    two that begin, the one listed later. Periods without length are left out.
    """
    if not scenario.shifts:
        return ()
    end_min = math.inf if scenario.horizon_min is None else scenario.horizon_min
    begins = [(0.0, BEFORE), *_boundaries(scenario)]
    found: list[Period] = []
    taken: set[str] = set()
    for place, (from_min, name) in enumerate(begins):
        to_min = begins[place + 1][0] if place + 1 < len(begins) else end_min
        to_min = min(to_min, end_min)
        if to_min > from_min:
            own = name
            while own in taken:  # a shift may be called what a period is called
                own += "-again"
            taken.add(own)
            steady = not any(_moves(shift, from_min) for shift in scenario.shifts)
            found.append(Period(name=own, from_min=from_min, to_min=to_min, steady=steady))
    return tuple(found)


def _boundaries(scenario: ScenarioForm) -> list[tuple[float, str]]:
    """Return when which period begins, in the order of time."""
    steps: list[tuple[float, bool, str]] = []
    for name, shift in zip(scenario.shift_ids(), scenario.shifts, strict=True):
        own = [(shift.at_min, True, name + _RISES), (shift.at_min + shift.over_min, True, name)]
        if shift.until_min is not None:
            own += [(shift.until_min, False, name + _ENDS)]
            own += [(shift.until_min + shift.over_min, False, name + _OVER)]
        later = [*own[1:], (math.inf, True, "")]
        steps += [step for step, after in zip(own, later, strict=True) if after[0] > step[0]]
    steps.sort(key=lambda step: step[:2])
    return [(at_min, name) for at_min, _, name in steps]


def _moves(shift: ShiftSpec, at_min: float) -> bool:
    """Return whether a shift rises or falls from a time on."""
    begins = (shift.at_min, *(() if shift.until_min is None else (shift.until_min,)))
    return any(begin <= at_min < begin + shift.over_min for begin in begins)
