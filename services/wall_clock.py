"""The wall clock of a process: the machine's, unless a drill puts it wrong.

The file of a drill (`DERMTWIN_DRILL`, see `actors/drill.py`) may say by how many seconds the clocks
of named processes are wrong: `{"skew": {"mirror": 300.0}}`. It is read only where that variable
was set when the process started, so nothing of this is there outside a drill.
"""

import json
import os
import time
from pathlib import Path
from typing import Final

VARIABLE: Final = "DERMTWIN_DRILL"
PROCESS: Final = "DERMTWIN_PROCESS"  # the name that a child's parent gave it
LOOK_S: Final = 0.25  # how often the file is read


class WallClock:
    """Tells the Unix time in seconds.

    Parameters:
        file: of the drill; None without one.
        process: whose clock it is.
    """

    def __init__(self, file: str | None, process: str) -> None:
        self._file = Path(file) if file else None
        self._process = process
        self._looked_s = float("-inf")
        self._wrong_s = 0.0

    def __call__(self) -> float:
        """Return what the clock shows."""
        if self._file is None:
            return time.time()
        now_s = time.monotonic()
        if now_s - self._looked_s > LOOK_S:
            self._looked_s = now_s
            self._wrong_s = _skew(self._file, self._process)
        return time.time() + self._wrong_s


def _skew(file: Path, process: str) -> float:
    try:
        asked = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):  # no drill is under way
        return 0.0
    return float(asked.get("skew", {}).get(process, 0.0))


unix_s: Final = WallClock(os.environ.get(VARIABLE), os.environ.get(PROCESS, ""))
