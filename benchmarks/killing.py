"""A command with all its processes, found by a mark in their environment, and how they are killed.

A guard or a server of Ray may have a session of its own and another parent by now; the environment
that it was started with stays.
"""

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

_MARK = "DERMTWIN_BENCHMARK_MARK"
_LOOK_S = 0.05


class Marked:
    """A command under way.

    Parameters:
        errors: file for its standard error; standard output is a pipe.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], errors: Path
    ) -> None:
        self._mark = uuid.uuid4().hex
        with errors.open("ab") as stream:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **environment, _MARK: self._mark},
                stdout=subprocess.PIPE,
                stderr=stream,
                start_new_session=True,
            )
        self.started_s = time.monotonic()

    def living(self) -> list[psutil.Process]:
        """Return its processes that are not dead; a zombie is dead."""
        found = []
        for one in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                marked = one.environ().get(_MARK) == self._mark
                if marked and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(one)
        return found

    def kill(self, *, everything: bool) -> int:
        """Send SIGKILL to all its processes, or to the first one alone; return to how many."""
        victims = self.living() if everything else []
        if self.process.poll() is None and not everything:
            victims = [psutil.Process(self.process.pid)]
        if everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                tree = psutil.Process(self.process.pid).children(recursive=True)
                victims += [one for one in tree if one not in victims]
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        self.process.wait()
        return len(victims)

    def gone_after_s(self, patience_s: float) -> float | None:
        """Return how long the last of them lives on; None if longer than `patience_s`."""
        since_s = time.monotonic()
        while time.monotonic() - since_s < patience_s:
            if not self.living():
                return time.monotonic() - since_s
            time.sleep(_LOOK_S)
        return None

    def output(self) -> bytes:
        """Wait for the end; return what it wrote on standard output."""
        out, _ = self.process.communicate()
        return out
