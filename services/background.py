"""A loop in a thread whose failure is somebody's business: `check` raises it where it matters."""

import threading
from collections.abc import Callable


class Background:
    """Runs `loop(stop)` in a thread until stopped, and keeps the error that ended it."""

    def __init__(self, name: str, loop: Callable[[threading.Event], None]) -> None:
        self._loop = loop
        self._stop = threading.Event()
        self._error: BaseException | None = None
        # A daemon: a process that is told to die must not wait for its loops.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop(self._stop)
        except BaseException as error:  # noqa: BLE001  handed to whoever calls check()
            self._error = error

    @property
    def is_alive(self) -> bool:
        """Whether the loop goes on."""
        return self._thread.is_alive()

    def check(self) -> None:
        """Raise the error that ended the loop, if one did."""
        if self._error is not None:
            raise self._error

    def stop(self, timeout_s: float = 30.0) -> None:
        """Ask the loop to end, wait for it, and raise its error if it had one."""
        self._stop.set()
        self._thread.join(timeout_s)
        self.check()
