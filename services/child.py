"""A process of ours beside this one: started, watched, started again, and never left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TextIO

from services.logs import Log
from services.wall_clock import PROCESS
from twin.errors import DependencyError

# Waits before it is started again: at once when it had run for a while, later when it keeps dying.
AGAIN_S: Final = (0.0, 0.5, 1.0, 2.0, 5.0)
OURS: Final = (sys.executable, "-m", "services.cli")
SOUND_S: Final = 30.0  # who ran for so long did not die of its start: assumption
RESTARTS: Final = "DERMTWIN_RESTARTS"  # how often a child has been started again
# A child tells by a pipe that its threads still get a turn. One that was frozen for as long as
# three beats is given up: what it left is taken up from the log by the next.
PULSE: Final = "DERMTWIN_PULSE"
PULSE_S: Final = 1.0
FROZEN_S: Final = 15.0
ALONE_S: Final = 8.0  # for a child to end once its parent is gone: assumption
_STOP_S: Final = 10.0


class Child:
    """Runs `dermtwin ARGUMENTS` as a child, again and again.

    Its standard input is a pipe that only we hold: it ends when we do, however we end.

    Parameters:
        name: for messages.
        arguments: of the command line.
        on_change: is told the state (a `ComponentState`), restarts, and the reason.
        words: file that its standard error goes to; ours if None.
        program: that takes the arguments.
        frozen_s: how long it may be without a pulse once it has had one.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Log,
        on_change: Callable[[str, int, str], None],
        program: Sequence[str] = OURS,
        frozen_s: float = FROZEN_S,
        words: TextIO | None = None,
    ) -> None:
        self.name = name
        self._command = [*program, *arguments]
        self._environment = {**os.environ, **environment, PROCESS: name}
        self._log = log.bind(child=name)
        self._on_change = on_change
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._due_s: float | None = None  # when it is to be started again
        self._failures = 0
        self._frozen_s = frozen_s
        self._words = words
        self._pulse: int | None = None  # where its pulse is felt
        self._felt_s: float | None = None  # when last; None: not yet
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Its process id; None while it is down."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it."""
        self._pulse, theirs = os.pipe()
        self._felt_s = None
        for end in (self._pulse, theirs):
            os.set_blocking(end, False)
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stderr=self._words,
                env={**self._environment, PULSE: str(theirs), RESTARTS: str(self.restarts)},
                pass_fds=(theirs,),
                # Ctrl-C in a terminal goes to us alone, and we end it.
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        self._started_s, self._due_s = time.monotonic(), None
        self._on_change("ready", self.restarts, "")

    def check(self) -> None:
        """Start it again if it ended; to be called several times a second."""
        now_s = time.monotonic()
        if self._due_s is not None:
            if now_s >= self._due_s:
                self.restarts += 1
                self.start()
            return
        if self._process is None:
            return
        frozen_s = self._without_pulse_s(now_s)
        if frozen_s > self._frozen_s:
            self._process.kill()
            self._process.wait()
        elif self._process.poll() is None:
            return
        reason = _obituary(self._process.returncode)
        if frozen_s > self._frozen_s:
            reason = f"was frozen for {frozen_s:.0f} s"
        self._close()
        self._failures = 0 if now_s - self._started_s > SOUND_S else self._failures + 1
        self._due_s = now_s + AGAIN_S[min(self._failures, len(AGAIN_S) - 1)]
        self._log.warning("ended", reason=reason, restarts=self.restarts)
        self._on_change("restarting", self.restarts, reason)

    def stop(self) -> None:
        """End it, and wait for it."""
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
        if self._pulse is not None:
            os.close(self._pulse)
            self._pulse = None

    def _without_pulse_s(self, now_s: float) -> float:
        """Return for how long its pulse was not felt; 0 before the first."""
        assert self._pulse is not None
        try:
            while beats := os.read(self._pulse, 4096):
                self._felt_s = now_s
                if len(beats) < 4096:
                    break
        except BlockingIOError:
            pass
        return 0.0 if self._felt_s is None else now_s - self._felt_s


def asked_to_stop() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set from now on."""
    stop = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: stop.set())
    return stop


def _obituary(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    return f"was ended by {signal.Signals(-code).name}"


def restarts_before() -> int:
    """Return how often this process, a child of ours, was started before."""
    return int(os.environ.get(RESTARTS, "0"))


def end_with_parent(parent: Any = None) -> None:  # noqa: ANN401  a file object
    """Have this process asked to end (SIGTERM) when the pipe that is its standard input ends."""
    stream = sys.stdin if parent is None else parent
    if stream is None or stream.isatty():
        raise DependencyError("standard input is no pipe of a parent's")

    def wait() -> None:
        while os.read(stream.fileno(), 4096):
            continue
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ALONE_S)  # who waits for a server that ended with the parent hears nothing
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()
    if (told := os.environ.pop(PULSE, None)) is not None:
        threading.Thread(target=_beat, args=(int(told),), name="pulse", daemon=True).start()


def _beat(pulse: int) -> None:
    """Show the parent that this process is not frozen."""
    os.set_inheritable(pulse, False)
    while True:
        try:
            os.write(pulse, b".")
        except BlockingIOError:
            pass  # the parent is frozen itself
        except OSError:
            return  # it is gone
        time.sleep(PULSE_S)
