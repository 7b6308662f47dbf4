"""The one process that renders, as its parent sees it: started, asked, and ended."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any, Final

from services.api.pictures.frames import Frame, receive, send
from services.api.pictures.wanted import Wanted

COMMAND: Final = (sys.executable, "-m", "services.api.pictures.child")
# One core and no more: NumPy's libraries would start a thread per core.
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_START_S: Final = 60.0  # imports take half a second, on a machine with nothing else to do
_END_S: Final = 2.0  # it ends with its input, at once


class RenderProcess:
    """A process that makes one picture at a time.

    Parameters:
        told: its settings: where images are.
        command: starts it.

    Raises:
        OSError: it does not start.
    """

    def __init__(self, told: dict[str, Any], command: Sequence[str] = COMMAND) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | _ONE_THREAD,
        )
        self.timed_out = False
        self.is_up = self._exchange(told, b"", _START_S) is not None

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, wanted: Wanted, timeout_s: float) -> Frame | None:
        """Return its answer; None where it died of the question, or was killed for its slowness."""
        return self._exchange(wanted.head, wanted.body, timeout_s)

    def _exchange(self, head: dict[str, Any], body: bytes, timeout_s: float) -> Frame | None:
        assert self._process.stdin is not None and self._process.stdout is not None
        # A pipe cannot be read with a limit on all systems; a process that is killed closes its.
        watch = threading.Timer(timeout_s, self._give_up)
        watch.daemon = True
        watch.start()
        try:
            send(self._process.stdin, head, body)
            return receive(self._process.stdout)
        except OSError:
            return None
        finally:
            watch.cancel()

    def _give_up(self) -> None:
        self.timed_out = True
        self.kill()

    def kill(self) -> None:
        """End it in the middle of its work; whoever waits for an answer gets none."""
        self._process.kill()

    def end(self) -> None:
        """End it; it may have died before."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
