"""Weekdays and clock times as people write them, in minutes of a week that starts on Monday.

Weeks have no date and no daylight saving: each is 10080 minutes long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import PlainSerializer, PlainValidator

from simulator.quantities import QuantityError

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MIN: Final = 1440.0
WEEK_MIN: Final = 10080.0

_NAMES: Final = "|".join(DAYS)
_CLOCK: Final = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]|24:00"
_FLAGS: Final = re.ASCII | re.IGNORECASE
_START: Final = re.compile(rf"({_NAMES}) +({_CLOCK})", _FLAGS)
_WINDOW: Final = re.compile(
    rf"(?:(?P<daily>daily)|(?P<first>{_NAMES})(?: *- *(?P<last>{_NAMES}))?)?"
    rf"(?: *(?P<opens>{_CLOCK}) *- *(?P<closes>{_CLOCK}))?",
    _FLAGS,
)
_START_HELP: Final = "a weekday and a clock time, as in 'Mon 08:00'"
_WEEKLY_HELP: Final = (
    "days and clock times joined by commas, as in 'Mon-Fri 08:00-12:00, 13:00-17:00, "
    "Sat 09:00-12:00' or 'daily 22:00-06:00'"
)

Window = tuple[float, float]  # from, to; minutes since Monday 00:00, 0 <= from < to <= 10080


def parse_start(value: object) -> float:
    """Return a weekday and clock time as minutes since Monday 00:00, from 0 to below 10080.

    Raises:
        QuantityError: no such time.

    >>> parse_start("Mon 08:00"), parse_start("Sun 24:00")
    (480.0, 0.0)
    """
    match = _START.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise QuantityError((), f"{value!r} is no time of the week; accepted is {_START_HELP}")
    return (_day(match[1]) * DAY_MIN + _clock(match[2])) % WEEK_MIN


def format_start(minutes: float) -> str:
    """Return a whole minute of the week as `parse_start` reads it back.

    >>> format_start(480.0), format_start(10079.0)
    ('Mon 08:00', 'Sun 23:59')
    """
    day, minute = divmod(round(minutes) % int(WEEK_MIN), int(DAY_MIN))
    return f"{DAYS[day]} {minute // 60:02}:{minute % 60:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """Windows that repeat each week. Two are equal if their windows are, however written."""

    windows: tuple[Window, ...]  # sorted, disjoint, not touching; split at the end of the week
    text: str = field(compare=False)  # as it was written

    @property
    def open_min(self) -> float:
        """Minutes of the week inside the windows."""
        return sum(closes - opens for opens, closes in self.windows)

    def contains(self, minute: float) -> bool:
        """Whether a minute (any week's, from Monday 00:00 on) is inside; the end is outside.

        >>> clinic = parse_weekly("Mon-Fri 08:00-17:00")
        >>> clinic.contains(480.0), clinic.contains(1020.0), clinic.contains(10080.0 + 480.0)
        (True, False, True)
        """
        return any(opens <= minute % WEEK_MIN < closes for opens, closes in self.windows)

    def unbroken(self) -> tuple[Window, ...]:
        """Return the windows with one that runs over the end of the week in one piece.

        Its end is then above 10080.

        >>> parse_weekly("Sun 22:00-06:00").windows
        ((0.0, 360.0), (9960.0, 10080.0))
        >>> parse_weekly("Sun 22:00-06:00").unbroken()
        ((9960.0, 10440.0),)
        """
        first, last = self.windows[0], self.windows[-1]
        if first == last or first[0] > 0 or last[1] < WEEK_MIN:
            return self.windows
        return (*self.windows[1:-1], (last[0], WEEK_MIN + first[1]))


def parse_weekly(value: object) -> Weekly:
    """Return the weekly windows that a text names.

    A part without days keeps those before it; parts without times share the times that follow.
    A window that closes before it opens runs over midnight and belongs to the day it opens on.
    Windows may overlap; they are joined.

    Raises:
        QuantityError: no such windows.

    >>> parse_weekly("Mon-Tue 08:00-12:00, 13:00-17:00").windows
    ((480.0, 720.0), (780.0, 1020.0), (1920.0, 2160.0), (2220.0, 2460.0))
    """
    if isinstance(value, Weekly):
        return value
    if not isinstance(value, str) or not value.strip():
        raise QuantityError((), f"{value!r} is no weekly window; accepted is {_WEEKLY_HELP}")
    days: list[int] = []
    waiting = False  # days were given and their times come in a later part
    spans: list[Window] = []
    for part in re.split(r"[,;]", value):
        match = _WINDOW.fullmatch(part.strip())
        if match is None or not part.strip():
            reason = f"{part.strip()!r} in {value!r} is no weekly window"
            raise QuantityError((), f"{reason}; accepted is {_WEEKLY_HELP}")
        if match["daily"] or match["first"]:
            named = list(range(7)) if match["daily"] else _days(match["first"], match["last"])
            days = [*days, *named] if waiting else named
            waiting = True
        if match["opens"] is None:
            continue
        if not days:
            raise QuantityError((), f"{value!r} names no day; accepted is {_WEEKLY_HELP}")
        waiting = False
        opens, closes = _clock(match["opens"]), _clock(match["closes"])
        if opens == closes:
            reason = f"{part.strip()!r} in {value!r} opens and closes at once"
            raise QuantityError((), f"{reason}; the whole day is 00:00-24:00")
        closes += DAY_MIN if closes < opens else 0.0
        spans += [(day * DAY_MIN + opens, day * DAY_MIN + closes) for day in days]
    if waiting:
        raise QuantityError((), f"{value!r} ends without times; accepted is {_WEEKLY_HELP}")
    return Weekly(windows=tuple(_joined(spans)), text=" ".join(value.split()))


def _day(name: str) -> int:
    return DAYS.index(name.capitalize())


def _days(first: str, last: str | None) -> list[int]:
    begin, end = _day(first), _day(last or first)
    return [day % 7 for day in range(begin, end + (8 if end < begin else 1))]


def _clock(text: str) -> float:
    hours, minutes = text.split(":")
    return int(hours) * 60.0 + int(minutes)


def _joined(spans: list[Window]) -> Iterator[Window]:
    """Yield what the spans cover, each week's end cut, in order and without touching pieces."""
    cut = [(opens % WEEK_MIN, opens % WEEK_MIN + closes - opens) for opens, closes in spans]
    over = [(0.0, closes - WEEK_MIN) for _, closes in cut if closes > WEEK_MIN]
    pieces = sorted([*((opens, min(closes, WEEK_MIN)) for opens, closes in cut), *over])
    begin, end = pieces[0]
    for opens, closes in pieces[1:]:
        if opens > end:
            yield begin, end
            begin, end = opens, closes
        end = max(end, closes)
    yield begin, end


WeekTime = Annotated[
    float, PlainValidator(parse_start, json_schema_input_type=str), PlainSerializer(format_start)
]
WeeklyWindows = Annotated[
    Weekly,
    PlainValidator(parse_weekly, json_schema_input_type=str),
    PlainSerializer(lambda weekly: weekly.text, return_type=str),
]
