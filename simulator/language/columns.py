"""Measured times from a table: one column of a CSV file (RFC 4180) with a header."""

import csv
from collections.abc import Mapping
from pathlib import Path

from simulator.language.nearest import nearest
from simulator.quantities import UNITS_MIN, QuantityError, format_duration, parse_duration

FILE_KEYS = ("file", "column", "unit")


def read_column(path: Path, column: str, unit: str) -> list[float]:
    """Return the times in a column, in minutes and in the order of the file; blank lines are none.

    Parameters:
        path: of a CSV file in UTF-8, separated by commas.
        column: as in the header.
        unit: of its numbers: ms, s, min, h, d or w.

    Raises:
        QuantityError: the file cannot be read, has no such column, or has a cell in it that is no
            time; with file, line, column and value.
    """
    if unit not in UNITS_MIN:
        known = ", ".join(UNITS_MIN)
        raise QuantityError(("unit",), f"no such unit {unit!r}; there are {known}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            place = _place(header, column, path)
            times = [
                _time(row, place, len(header), unit, f"{path}, line {rows.line_num}, {column}")
                for row in rows
                if row
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise QuantityError(("file",), f"{path} cannot be read: {why}") from error
    if not times:
        raise QuantityError(("file",), f"{path} has no line below its header")
    return times


def read_values(given: Mapping[str, object], folder: Path) -> list[str]:
    """Return the `values` of `{file: …, column: …, unit: …}`, as a scenario states them.

    Parameters:
        given: what a scenario has under `empirical`.
        folder: that a relative file name starts from, which is the scenario's.

    Raises:
        QuantityError: as `read_column`, or a key is missing, unknown or no text.
    """
    for key in given:
        if key not in FILE_KEYS:
            raise QuantityError((str(key),), f"unknown key{nearest(key, FILE_KEYS)}")
    for key in FILE_KEYS:
        if key not in given:
            raise QuantityError((key,), f"is required; accepted are {', '.join(FILE_KEYS)}")
        if not isinstance(given[key], str) or not given[key]:
            raise QuantityError((key,), f"expected text, got {given[key]!r}")
    file, column, unit = (str(given[key]) for key in FILE_KEYS)
    return [format_duration(minutes) for minutes in read_column(folder / file, column, unit)]


def _place(header: list[str], column: str, path: Path) -> int:
    names = [name.strip() for name in header]
    if names.count(column) != 1:
        count = names.count(column) or "no"
        reason = f"{path} has {count} columns {column!r}{nearest(column, names)}"
        raise QuantityError(("column",), f"{reason}; its header is {', '.join(map(repr, names))}")
    return names.index(column)


def _time(row: list[str], place: int, width: int, unit: str, where: str) -> float:
    if len(row) != width:
        raise QuantityError(("file",), f"{where}: {len(row)} cells under {width} names")
    cell = row[place].strip()
    try:
        return parse_duration(f"{cell} {unit}")
    except QuantityError as error:
        reason = f"{cell!r} is no time in {unit}: expected a number, 0 or more"
        raise QuantityError(("file",), f"{where}: {reason}") from error
