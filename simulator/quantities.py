"""Quantities as people write them: durations with their unit, shares as numbers or percentages."""

import math
import re
from typing import Final

# The units accepted, in minutes, longest first. Months and years are no fixed length.
UNITS_MIN: Final = {
    **{"w": 10080.0, "d": 1440.0, "h": 60.0, "min": 1.0},
    **{"s": 1 / 60, "ms": 1 / 60_000},
}
# Of these, in a minute. Times are divided by them, not multiplied by an inexact fraction: '30 s' is
# exactly 0.5.
_IN_A_MINUTE: Final = {"s": 60, "ms": 60_000}

_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_DURATION: Final = re.compile(rf"({_NUMBER}) *(w|d|h|min|ms|s)", re.ASCII)
_PERCENTAGE: Final = re.compile(rf"({_NUMBER}) *%", re.ASCII)
_DURATION_HELP: Final = "a number and a unit (ms, s, min, h, d or w), as in '6 min'"
_SHARE_HELP: Final = "a number from 0 to 1 or a percentage, as in 0.08 or '8 %'"


class QuantityError(ValueError):
    """Text that is no such quantity. Arguments: path below the value at fault, reason."""

    def __str__(self) -> str:
        path, reason = self.args
        return f"{'.'.join(path)}: {reason}" if path else str(reason)


def settled(minutes: float) -> float:
    """Round a drawn time to a millionth of a minute.

    Below that, maths libraries of different machines differ, and the log would too (law 5).
    """
    return round(minutes, 6)


def parse_duration(value: object) -> float:
    """Return a duration in minutes.

    Raises:
        QuantityError: not a number with a unit.

    >>> parse_duration("1.5 h"), parse_duration("30 s"), parse_duration("7d")
    (90.0, 0.5, 10080.0)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise QuantityError((), f"{value} has no unit; accepted is {_DURATION_HELP}")
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise QuantityError((), f"{value!r} is no duration; accepted is {_DURATION_HELP}")
    number, unit = float(match[1]), match[2]
    parts = _IN_A_MINUTE.get(unit)
    minutes = number * UNITS_MIN[unit] if parts is None else number / parts
    if not math.isfinite(minutes):
        raise QuantityError((), f"{value!r} is too long to count in minutes")
    return minutes


def seconds(minutes: float) -> float:
    """Return a duration in seconds, to the nanosecond: '0.1 s' is no whole number of minutes.

    >>> seconds(parse_duration("0.1 s"))
    0.1
    """
    return round(minutes * 60, 9)


def format_duration(minutes: float) -> str:
    """Return a duration as `parse_duration` reads it back, to the last bit.

    >>> format_duration(90.0), format_duration(10080.0), format_duration(0.5)
    ('90 min', '1 w', '30 s')
    """
    for unit, factor in UNITS_MIN.items():
        parts = _IN_A_MINUTE.get(unit)
        count = minutes / factor if parts is None else minutes * parts
        if count >= 1 and count == int(count):
            text = f"{int(count)} {unit}"
            if parse_duration(text) == minutes:
                return text
    return f"{repr(minutes).removesuffix('.0')} min"


def parse_share(value: object) -> float:
    """Return a share from 0 to 1.

    Raises:
        QuantityError: not a number from 0 to 1 or a percentage up to 100.

    >>> parse_share(0.08), parse_share("8 %")
    (0.08, 0.08)
    """
    share = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        share = float(value)
    elif isinstance(value, str) and (match := _PERCENTAGE.fullmatch(value.strip())):
        share = float(match[1]) / 100
    if not 0 <= share <= 1:  # also when it is not a number
        raise QuantityError((), f"{value!r} is no share; accepted is {_SHARE_HELP}")
    return share
