"""Posted scenarios: looked over before anything starts, each complaint with its line and key."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from services.jobs.bounds import Bounds
from services.jobs.catalogue import Catalogue

CPU_S: Final = 20  # of a check; the largest scenario of the repository takes 1: assumption
_WALL_S: Final = 60.0  # on a machine that is busy with something else: assumption
_MEMORY_BYTES: Final = 2 * 2**30  # of address space; a check takes 0.1 GB of memory: assumption
_AT_ONCE: Final = 2  # checks; assumption
_TURN_S: Final = 5.0  # a thread of the server waits so long: assumption
RUN: Final[Mapping[str, Any]] = {"kind": "run"}
_POSTED: Final = "posted"  # name of a text that has none


class BusyError(Exception):
    """Too many scenarios are being looked over."""


class RefusedError(Exception):
    """A scenario is not valid, or asks for too much. Argument: list of errors."""

    @property
    def errors(self) -> list[dict[str, Any]]:
        """What is wrong, each with source, line, key, value and message."""
        found: list[dict[str, Any]] = self.args[0]
        return found


@dataclass(frozen=True, slots=True)
class Sound:
    """A scenario that may run; its text stands alone and names no file."""

    text: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checker:
    """Looks posted scenarios over.

    Parameters:
        catalogue: of bundled scenarios: what others may name, and the only files in reach.
        bounds: what one run may ask for.
        environment: of the process that looks.
        cpu_s: how long it may take.
    """

    catalogue: Catalogue
    environment: Mapping[str, str]
    bounds: Bounds = field(default_factory=Bounds)
    cpu_s: int = CPU_S
    _turns: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(_AT_ONCE), init=False, repr=False
    )

    def check(
        self, scenario: str, overrides: Sequence[str] = (), use: Mapping[str, Any] = RUN
    ) -> Sound:
        """Return a scenario that is sound.

        Parameters:
            scenario: YAML, or the name of a bundled one.
            overrides: as `staff.nurse=2`.
            use: what is made of it; see `services/jobs/checking.py`.

        Raises:
            RefusedError: it is not, or asks for too much.
            BusyError: others are looked over, and it is not soon its turn.
        """
        named = "\n" not in scenario and ":" not in scenario
        text = self.catalogue.text_of(scenario) if named else scenario
        if text is None:
            message = "is neither YAML nor the name of a scenario; GET /v1/scenarios lists them"
            raise RefusedError([_error(_POSTED, message, value=scenario[:80])])
        order = {
            "text": text,
            "name": f"{scenario.removesuffix('.yaml')}.yaml" if named else _POSTED,
            "overrides": list(overrides),
            "bounds": asdict(self.bounds),
            "use": dict(use),
            "cpu_s": self.cpu_s,
            "memory_bytes": _MEMORY_BYTES,
        }
        if not self._turns.acquire(timeout=_TURN_S):
            raise BusyError
        try:
            if self.catalogue.folder is not None:
                found = self._ask(order, self.catalogue.folder)
            else:
                with tempfile.TemporaryDirectory() as nothing:
                    found = self._ask(order, Path(nothing))
        finally:
            self._turns.release()
        if "errors" in found:
            raise RefusedError(found["errors"])
        return Sound(found["text"], found["facts"])

    def _ask(self, order: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "services.jobs.checking"],
                input=json.dumps(order).encode(),
                cwd=folder,
                env=dict(self.environment),
                capture_output=True,
                timeout=_WALL_S,
                check=False,
            )
            found: dict[str, Any] = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError):
            # Ended by the kernel, for one of the limits.
            message = f"takes more than {self.cpu_s} s, or too much memory, to be looked over"
            return {"errors": [_error(str(order["name"]), message)]}
        return found


def _error(source: str, message: str, *, value: str | None = None) -> dict[str, Any]:
    return {"source": source, "line": 0, "key": "", "value": value, "message": message}
