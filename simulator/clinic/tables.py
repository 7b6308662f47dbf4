"""Rows of numbers that may outgrow the memory: beyond some thousand rows they wait in a file."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

CHUNK_ROWS: Final = 8192  # rows held as Python objects; assumption: half a megabyte
_HELD: Final = 8  # chunks held as arrays before they go to a file

Rows = NDArray[np.float64]


class Table:
    """Rows in the order in which they were added; read whole columns or chunks.

    Numbers are 64-bit floats throughout; whole numbers up to 2^53 are exact in them. What is not
    known is not-a-number. Memory stays flat in the number of rows.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._place = {name: place for place, name in enumerate(columns)}
        self._fresh: list[tuple[float, ...]] = []
        self._held: list[Rows] = []
        self._file: IO[bytes] | None = None
        self._rows = 0  # in `_held` and the file
        self._digest = hashlib.sha256(",".join(columns).encode())

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows + len(self._fresh)

    def add(self, row: tuple[float, ...]) -> None:
        """Append a row, in the order of the columns."""
        self._fresh.append(row)
        if len(self._fresh) == CHUNK_ROWS:
            self._settle()

    def chunks(self) -> Iterator[Rows]:
        """Yield all rows in order, in arrays of shape (rows, columns)."""
        self._settle()
        if self._file is not None:
            self._file.seek(0)
            size = CHUNK_ROWS * len(self.columns) * 8
            while data := self._file.read(size):
                yield np.frombuffer(data, dtype="<f8").reshape(-1, len(self.columns))
            self._file.seek(0, 2)
        yield from self._held

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one column, shape (rows,)."""
        place = self._place[name]
        parts = [chunk[:, place].copy() for chunk in self.chunks()]
        return np.concatenate(parts) if parts else np.empty(0)

    def digest(self) -> str:
        """Return the sha256 (hex) of the columns' names and all numbers, as 64-bit floats."""
        self._settle()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()

    def _settle(self) -> None:
        if not self._fresh:
            return
        rows = np.array(self._fresh, dtype="<f8")
        self._fresh = []
        self._rows += len(rows)
        self._digest.update(rows.tobytes())
        self._held.append(rows)
        if len(self._held) > _HELD:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="dermtwin-")  # noqa: SIM115  see close
            for held in self._held:
                self._file.write(held.tobytes())
            self._held = []
