"""Rows of a CSV file, with their line numbers."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from simulator.cases.bad_rows import BadRows
from twin.errors import DataError


def csv_rows(
    table: Path, columns: tuple[str, ...], bad: BadRows
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows of a CSV file in UTF-8 with their line number; the header is line 1.

    Parameters:
        table: the file.
        columns: columns that must be there.
        bad: takes the rows that have more cells than the header.

    Raises:
        DataError: the file is no such CSV file, or a column is missing.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(table, f"row 1: no column {', '.join(missing)}")
            for row in reader:
                if None in row:
                    bad.add(table, reader.line_num, row[columns[0]], "more cells than columns")
                    continue
                yield reader.line_num, {name: cell.strip() for name, cell in row.items()}
    except (UnicodeDecodeError, csv.Error) as cause:
        raise DataError(table, f"is no CSV file in UTF-8: {cause}") from cause
