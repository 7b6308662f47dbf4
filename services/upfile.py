"""Where `dermtwin up` says what its addresses are, so that `dermtwin status` finds it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from twin.errors import DependencyError


class UpFile:
    """The note of a twin that is up: one per `DERMTWIN_HOME`."""

    def __init__(self, home: Path) -> None:
        self._path = home / "up.json"

    @contextmanager
    def hold(self, addresses: Mapping[str, str]) -> Iterator[None]:
        """Keep the note while the block runs.

        Raises:
            DependencyError: another twin is up with the same home.
        """
        self.ensure_free()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({**addresses, "pid": os.getpid()}, indent=2) + "\n")
        try:
            yield
        finally:
            self._path.unlink(missing_ok=True)

    def ensure_free(self) -> None:
        """Raise if another twin is up with the same home.

        Raises:
            DependencyError: naming its process.
        """
        other = self.read()
        if other is not None:
            raise DependencyError(f"a twin is up already: process {other['pid']}")

    def read(self) -> dict[str, str] | None:
        """Return the note of a twin that is still running, or None."""
        if not self._path.is_file():
            return None
        note: dict[str, str] = json.loads(self._path.read_text())
        return note if psutil.pid_exists(int(note["pid"])) else None
