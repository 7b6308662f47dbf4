"""Rows of numbers that may outgrow the memory: beyond some thousand rows they wait in a file."""

import hashlib
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

CHUNK_ROWS: Final = 8192  # rows held before they go to a file; assumption: a megabyte at most

Rows = NDArray[np.float64]
_NAN: Final = float("nan")


class Table:
    """Rows in the order in which they were added; read whole columns or chunks.

    Numbers are 64-bit floats throughout; whole numbers up to 2^53 are exact in them. What is not
    known is not-a-number. Memory stays flat in the number of rows.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        width = len(self.columns)
        self._place = {name: place for place, name in enumerate(columns)}
        # Bytes at once: a row kept as Python objects costs more, and its conversion later, too.
        self._pack = [struct.Struct(f"<{known}d").pack for known in range(width + 1)]
        self._blank = [
            struct.pack(f"<{width - n}d", *[_NAN] * (width - n)) for n in range(width + 1)
        ]
        self._row_bytes = 8 * width
        self._chunk_bytes = CHUNK_ROWS * self._row_bytes
        self._fresh = bytearray()
        self._file: IO[bytes] | None = None
        self._filed = 0  # bytes in the file
        self._digest = hashlib.sha256(",".join(columns).encode())

    def __len__(self) -> int:
        """Return the number of rows."""
        return (self._filed + len(self._fresh)) // self._row_bytes

    def add(self, row: Sequence[float]) -> None:
        """Append a row, in the order of the columns; those left out at its end are not known."""
        known = len(row)
        fresh = self._fresh
        fresh += self._pack[known](*row)
        fresh += self._blank[known]
        if len(fresh) == self._chunk_bytes:
            self._put_away()

    def filled(
        self, key: str, columns: Sequence[str], values: Mapping[int, Sequence[float]]
    ) -> "Table":
        """Return a table like this one with values put into some columns; this one is closed.

        Parameters:
            key: column of whole numbers that tells the rows apart.
            columns: to be filled.
            values: by the number in `key`, in the order of `columns`; other rows stay as they are.
        """
        found, place = Table(self.columns), self._place[key]
        places = [self._place[name] for name in columns]
        for chunk in self.chunks():
            for row in chunk.tolist():
                for at, value in zip(places, values.get(int(row[place]), ()), strict=False):
                    row[at] = value
                found.add(row)
        self.close()
        return found

    def chunks(self) -> Iterator[Rows]:
        """Yield all rows in order, in arrays of shape (rows, columns)."""
        if self._file is not None:
            self._file.seek(0)
            while data := self._file.read(self._chunk_bytes):
                yield self._rows(data)
        if self._fresh:
            yield self._rows(bytes(self._fresh))

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column, shape (rows,)."""
        place, first = self._place[name], 0
        column = np.empty(len(self))
        for chunk in self.chunks():
            column[first : first + len(chunk)] = chunk[:, place]
            first += len(chunk)
        return column

    def digest(self) -> str:
        """Return the sha256 (hex) of the columns' names and all numbers, as 64-bit floats."""
        digest = self._digest.copy()
        digest.update(self._fresh)
        return digest.hexdigest()

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()

    def _rows(self, data: bytes) -> Rows:
        return np.frombuffer(data, dtype="<f8").reshape(-1, len(self.columns))

    def _put_away(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="dermtwin-")  # noqa: SIM115  see close
        self._file.seek(0, 2)
        self._file.write(self._fresh)
        self._digest.update(self._fresh)
        self._filed += len(self._fresh)
        self._fresh.clear()
