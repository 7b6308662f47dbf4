"""Where `dermtwin up` says what its addresses are, so that `dermtwin status` finds it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from services.atomic import write_text
from twin.errors import DependencyError

_SAME_S = 60.0  # the system's clock may be put right meanwhile: assumption


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
        own = {"pid": os.getpid(), "since_unix_s": psutil.Process().create_time()}
        write_text(self._path, json.dumps({**addresses, **own}, indent=2) + "\n")
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
        """Return the note of a twin that is still running, or None.

        A twin that was killed leaves its note, and its process id may be another's by now.
        """
        try:
            note: dict[str, str] = json.loads(self._path.read_text())
            process = psutil.Process(int(note["pid"]))
            since_unix_s = float(note.get("since_unix_s", process.create_time()))
            dead = process.status() == psutil.STATUS_ZOMBIE
            same = abs(process.create_time() - since_unix_s) < _SAME_S
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None
        except (ValueError, KeyError, TypeError):
            return None  # half a note, as earlier versions left when they were killed
        return note if same and not dead else None
