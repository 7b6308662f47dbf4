"""The arrival times of a log: a CSV file, such as a hospital information system exports."""

import csv
import math
from datetime import datetime
from pathlib import Path
from typing import Final

from simulator.language.calendar import DAY_MIN, WEEK_MIN
from simulator.quantities import UNITS_MIN
from twin.errors import DataError

LOG_UNITS: Final = (*UNITS_MIN, "datetime")


def read_arrivals(path: Path, column: str, unit: str, *, start_min: float = 0.0) -> list[float]:
    """Return the times of a log in minutes since the run's start, in order.

    The rows may be in any order; the times are sorted.

    Numbers are taken as they are, in their unit. Dates with times (ISO 8601) are placed on the
    run's week: time 0 is the last start of the run, such as Monday 00:00, that is not after the
    first arrival. So weekdays and hours stay what they were. Clock times are taken as they are
    written; an offset from UTC is left aside, since weeks of a run know no daylight saving.

    Parameters:
        path: a CSV file in UTF-8 with a header.
        column: the name of the column.
        unit: ms, s, min, h, d, w or datetime.
        start_min: when in the week the run starts, minutes since Monday 00:00.

    Raises:
        DataError: no such file, column or unit, or a cell that is no time; it names the line.
    """
    if unit not in LOG_UNITS:
        raise DataError(path, f"unit {unit!r} is none of {', '.join(LOG_UNITS)}")
    cells = _cells(path, column)
    if unit == "datetime":
        return _on_week([_moment(path, column, *cell) for cell in cells], start_min)
    return sorted(_number(path, column, *cell) * UNITS_MIN[unit] for cell in cells)


def _cells(path: Path, column: str) -> list[tuple[int, str]]:
    """Return the cells of a column with their lines; the header is line 1."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = list(reader.fieldnames or ())
            if column not in names:
                known = ", ".join(names) or "no columns"
                raise DataError(path, f"line 1: no column {column!r}; there are {known}")
            cells = [(reader.line_num, (row[column] or "").strip()) for row in reader]
    except OSError as cause:
        raise DataError(path, f"cannot be read: {cause.strerror}") from cause
    except (UnicodeDecodeError, csv.Error) as cause:
        raise DataError(path, f"is no CSV file in UTF-8: {cause}") from cause
    if not cells:
        raise DataError(path, "has no rows below its header")
    return cells


def _number(path: Path, column: str, line: int, cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:  # also when it is not a number
        raise DataError(path, f"line {line}, {column}: {cell!r} is no number of 0 or more")
    return number


def _moment(path: Path, column: str, line: int, cell: str) -> datetime:
    try:
        return datetime.fromisoformat(cell).replace(tzinfo=None)
    except ValueError as cause:
        reason = f"{cell!r} is no date and time, as in 2024-03-04 08:15"
        raise DataError(path, f"line {line}, {column}: {reason}") from cause


def _on_week(moments: list[datetime], start_min: float) -> list[float]:
    first = min(moments)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    week_min = first.weekday() * DAY_MIN + (first - midnight).total_seconds() / 60
    offset_min = (week_min - start_min) % WEEK_MIN
    return sorted((moment - first).total_seconds() / 60 + offset_min for moment in moments)
