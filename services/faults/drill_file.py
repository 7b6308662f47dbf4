"""The file that a drill tells the twin's own processes by: `DERMTWIN_DRILL`.

`{"catboost": {"slow_ms": 200}, "poison": ["image name"], "skew": {"mirror": 300.0}}`: hosts obey
the first two (`actors/drill.py`), wall clocks the last (`services/wall_clock.py`).
"""

import json
import threading
from pathlib import Path
from typing import Any

from services.atomic import write_text


class DrillFile:
    """Writes the file whole, each time something changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._orders: dict[str, Any] = {}

    def slow(self, component: str, by_s: float) -> None:
        """Have a component take longer; 0 ends that."""
        self._put((component, "slow_ms"), by_s * 1000 or None)

    def skew(self, process: str, by_s: float) -> None:
        """Put a process's wall clock wrong; 0 ends that."""
        self._put(("skew", process), by_s or None)

    def poison(self, names: list[str]) -> None:
        """Have some images crash a learner, beside those before."""
        with self._lock:
            self._orders.setdefault("poison", []).extend(names)
            self._write()

    def clear(self) -> None:
        """Remove the file: nothing is ordered any more."""
        with self._lock:
            self._orders = {}
            self.path.unlink(missing_ok=True)

    def _put(self, place: tuple[str, str], value: float | None) -> None:
        with self._lock:
            orders = self._orders.setdefault(place[0], {})
            orders.pop(place[1], None)
            if value is not None:
                orders[place[1]] = value
            elif not orders:
                del self._orders[place[0]]
            self._write()

    def _write(self) -> None:
        write_text(self.path, json.dumps(self._orders) + "\n")
