"""Rows of a data set that cannot be used, gathered so that people see more than the first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twin.errors import DataError

_SHOWN: Final = 20  # assumption: a screenful


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """One row, or one file where there are no rows, and what is wrong with it."""

    table: Path  # the manifest, or the data directory
    row: int | None  # its line in the manifest; the header is line 1
    file: str  # as written; "" if the row names none
    reason: str

    def __str__(self) -> str:
        return f"{self.table}: {self.text}"

    @property
    def text(self) -> str:
        """The place within the table, and the reason."""
        if self.row is not None:
            return f"row {self.row}: {self.reason}"
        return f"{self.file}: {self.reason}" if self.file else self.reason


class RowError(Exception):
    """What is wrong with one row; caught where the row's place is known. Argument: the reason."""


class Unlabelled(Exception):  # noqa: N818  no error: nobody said what the lesion is
    """A row without a label. Argument: why there is none."""


@dataclass(frozen=True, slots=True)
class BadRows:
    """A list of bad rows; each is about one table.

    Parameters:
        found: where they are kept, in the order of being found.
    """

    found: list[BadRow]

    def add(self, table: Path, row: int | None, file: str, reason: str) -> None:
        """Take note of one."""
        self.found.append(BadRow(table=table, row=row, file=file, reason=reason))

    def __iter__(self) -> Iterator[BadRow]:
        return iter(self.found)


def complain(bad: Sequence[BadRow]) -> None:
    """Raise one error that names the bad rows, up to a screenful, if there are any.

    Raises:
        DataError: there are.
    """
    if not bad:
        return
    table = bad[0].table
    lines = [one.text if one.table == table else str(one) for one in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        lines.append(f"and {len(bad) - _SHOWN} more")
    raise DataError(table, "\n  ".join(lines))
