"""How far a run is, as a file in its folder: whoever shows runs reads it there."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

FILE: Final = "progress.json"
_EVERY_S: Final = 0.5  # between two writes: twice as often as people look; assumption


class ProgressFile:
    """Keeps the last state of the last stage in `progress.json`, written as a whole or not at all.

    Told of every case, it writes twice a second at most; `flush` writes what is left.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._draft = folder / f".{FILE}.draft"
        self._written_s = float("-inf")
        self._last: tuple[str, int, int] | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note that `done` of `total` steps of a stage are done."""
        self._last = (stage, done, total)
        if time.monotonic() - self._written_s >= _EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write what is known and not written yet."""
        if self._last is None:
            return
        stage, done, total = self._last
        self._last = None
        state = {"stage": stage, "done": done, "total": total, "updated_unix_s": time.time()}
        # A disk that is full fails where results are written, with words; never over a bar.
        with suppress(OSError):
            self._draft.write_text(json.dumps(state) + "\n", encoding="utf-8")
            self._draft.replace(self._file)
        self._written_s = time.monotonic()


def read_progress(folder: Path) -> dict[str, Any] | None:
    """Return the last state that a run wrote; None where there is none, or none that is whole."""
    try:
        file = folder / FILE
        state = json.loads(file.read_text(encoding="utf-8"))
        return {
            "stage": str(state["stage"]),
            "done": int(state["done"]),
            "total": int(state["total"]),
            "updated_unix_s": float(state.get("updated_unix_s", file.stat().st_mtime)),
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
