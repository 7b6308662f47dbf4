"""The file of the audit log: appended to, begun anew when it is large, read from its end."""

import errno
import json
import os
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final

_BLOCK_BYTES: Final = 65_536


class AuditFile:
    """JSON lines, each with its number `n`, over a few files of bounded size.

    Parameters:
        file: the newest; older ones are `file.1`, `file.2`, …
        most_bytes: of a file.
        files: kept, the newest included.
    """

    def __init__(self, file: Path, most_bytes: int, files: int) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self._files = files
        self._next: int | None = None  # number of the next line

    def append(self, entry: dict[str, Any]) -> None:
        """Add a line. One thread does this.

        Raises:
            OSError: it cannot be written.
        """
        if self._next is None:
            last = next(self.newest_first(), None)
            self._next = last["n"] + 1 if last else 1
        line = json.dumps({"n": self._next, **entry}, separators=(",", ":")).encode() + b"\n"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(handle).st_size
            if size and size + len(line) > self._most_bytes:
                self._turn()
                os.close(handle)
                handle = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            elif size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # a line that was cut off stays alone
            if os.write(handle, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(handle)
        self._next += 1

    def page(self, before: int | None, most: int) -> list[dict[str, Any]]:
        """Return entries, the newest first.

        Parameters:
            before: a number that those returned are below; the newest entries if None.
            most: entries returned.

        Raises:
            OSError: a file cannot be read.
        """
        return list(islice(self.newest_first(before), most))

    def newest_first(self, before: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield entries from the newest on, or from below a number."""
        below = before  # a file that is turned while it is read is met again as the next one
        for file in self._paths():
            try:
                handle = os.open(file, os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                end = os.fstat(handle).st_size
                if below is not None:
                    end = _end_of_those_below(handle, below, end)
                for entry in _backwards(handle, end):
                    below = entry["n"]
                    yield entry
            finally:
                os.close(handle)

    def _paths(self) -> list[Path]:
        older = [self._file.with_name(f"{self._file.name}.{i}") for i in range(1, self._files)]
        return [self._file, *older]

    def _turn(self) -> None:
        paths = self._paths()
        for newer, older in reversed(list(pairwise(paths))):
            if newer.exists():
                newer.replace(older)
        if len(paths) == 1:
            paths[0].unlink()


def _backwards(handle: int, end: int) -> Iterator[dict[str, Any]]:
    """Yield the entries of a file that end before `end`, the last first."""
    rest = b""
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        lines = (os.pread(handle, end - start, start) + rest).split(b"\n")
        rest = lines.pop(0)  # it may begin further ahead
        end = start
        for line in reversed(lines):
            entry = _parsed(line)
            if entry is not None:
                yield entry
    entry = _parsed(rest)
    if entry is not None:
        yield entry


def _end_of_those_below(handle: int, before: int, end: int) -> int:
    """Return where the first line begins whose number is `before` or more; by halving."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        start, number = _number_from(handle, middle, high)
        if number is None or number >= before:
            high = middle
        else:
            low = start + 1
    return _number_from(handle, low, end)[0]


def _number_from(handle: int, offset: int, end: int) -> tuple[int, int | None]:
    """Return where the first whole line at or after `offset` begins, and its number."""
    # A line begins at 0 or after the end of another one.
    position, buffer = (0, b"\n") if offset == 0 else (offset - 1, b"")
    base = -1 if offset == 0 else position
    while True:
        first = buffer.find(b"\n")
        while first >= 0:
            second = buffer.find(b"\n", first + 1)
            if second < 0:
                break
            entry = _parsed(buffer[first + 1 : second])
            if entry is not None:
                return base + first + 1, int(entry["n"])
            first = second
        block = os.pread(handle, _BLOCK_BYTES, position) if position < end else b""
        if not block:
            return end, None
        buffer += block
        position += len(block)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return an entry, None where a line was cut off or is somebody else's."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("n"), int) else None
