"""Orders to component hosts when a drill is under way: to be slow, or to crash on an image.

The variable `DERMTWIN_DRILL` names a JSON file that a drill writes and hosts obey; hosts that were
started without it know of no drill, and this costs them nothing.

    {"catboost": {"slow_ms": 200},           what a batch takes longer
     "poison": ["synthetic:17"],             images, by name, that crash a learner (`LEARNER`)
     "stem": {"poison": ["synthetic:18"]}}   images that crash this component

A learner sees features and no image. So the stem marks the rows of such an image, and the learner
crashes on the mark.
"""

import json
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "DERMTWIN_DRILL"
LEARNER: Final = "svm"  # crashes on the images of the file's own `poison`

Marks = Mapping[int, frozenset[str]]  # row of a batch -> components that crash on it


class Drill:
    """What one host is ordered.

    Parameters:
        file: of the drill; it may come, change and go.
        component: the host's.
    """

    def __init__(self, file: Path, component: str) -> None:
        self._file = file
        self._component = component
        self._read_of: tuple[int, int] | None = None  # time and size of the file that was read
        self._orders: dict[str, Any] = {}

    @classmethod
    def of(cls, component: str) -> "Drill | None":
        """Return what a host is ordered; None where there is no drill."""
        file = os.environ.get(VARIABLE)
        return cls(Path(file), component) if file else None

    def slow_down(self) -> None:
        """Wait as long as a batch of this component is to take longer."""
        time.sleep(self._of(self._component).get("slow_ms", 0) / 1000)

    def crash_on(self, names: Iterable[str]) -> None:
        """End this process if one of the images is poison to it."""
        poison = self._of(self._component).get("poison", ())
        if any(name in poison for name in names):
            _crash()

    def marks(self, names: Sequence[str]) -> Marks:
        """Return which rows are poison to which other components."""
        orders = self._now()
        poison = {one: set(told.get("poison", ())) for one, told in orders.items()
                  if isinstance(told, dict)}  # fmt: skip
        poison.setdefault(LEARNER, set()).update(orders.get("poison", ()))
        found = {
            row: frozenset(one for one, images in poison.items() if name in images)
            for row, name in enumerate(names)
        }
        return {row: to for row, to in found.items() if to}

    def crash_on_marks(self, marks: Marks) -> None:
        """End this process if a row is poison to it."""
        if any(self._component in to for to in marks.values()):
            _crash()

    def _of(self, component: str) -> dict[str, Any]:
        orders = self._now().get(component, {})
        return orders if isinstance(orders, dict) else {}

    def _now(self) -> dict[str, Any]:
        """Return the orders of the file as it is now."""
        try:
            stat = self._file.stat()
            if (stat.st_mtime_ns, stat.st_size) != self._read_of:
                self._orders = json.loads(self._file.read_text())
                self._read_of = (stat.st_mtime_ns, stat.st_size)
        except (FileNotFoundError, ValueError):  # no drill is under way
            self._orders, self._read_of = {}, None
        return self._orders


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
