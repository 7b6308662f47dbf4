"""Keeps embedded servers from outliving whoever started them, however that process ends.

Run as a script, `python -I -S guard.py ORDER`; standard library only, so that it starts fast.

ORDER is a JSON object: `parent` (process id), `directory` (removed at the end), `servers` (a list
of objects with `name`, `argv`, `log`: a file for the output, `stop`: the signal that asks for an
end). Standard input is a pipe that only the parent holds: its end means stop. Standard output
carries one JSON object a line: first `{"started": {name: pid}}`, then, for each server that ended
unasked, `{"exited": name, "code": int, "tail": str}`.

On Linux the kernel kills the servers if the guard itself is killed.
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

PARENT_CHECK_S: Final = 0.5  # covers a pipe that a fork of the parent still holds open: assumption
GRACE_S: Final = (
    2.0  # from the polite signal to SIGKILL; both servers need milliseconds: assumption
)
TAIL_BYTES: Final = 2000  # of a server's output, enough for a panic message: assumption
_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>, prctl(2)
_HANDLED: Final = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EXEC_FAILED: Final = 127  # as in a POSIX shell: the command could not be run


class Guard:
    """Starts the servers of an order, watches over them, and takes them down."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._running: dict[int, dict[str, Any]] = {}  # process id -> server
        self._stop_asked = False
        # Loaded before any fork: a child of a fork should do as little as possible.
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._wake_read, wake_write = os.pipe()
        for end in (self._wake_read, wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # must be caught to wake the loop
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to decide
        for wish in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(wish, self._ask_to_stop)

    def _ask_to_stop(self, *_: object) -> None:
        self._stop_asked = True

    def run(self) -> None:
        """Serve the order until the parent ends or asks for an end."""
        try:
            for server in self._order["servers"]:
                self._running[self._launch(server)] = server
            told = self._tell({"started": {s["name"]: pid for pid, s in self._running.items()}})
            while told and not self._stop_asked and os.getppid() == self._order["parent"]:
                ready, _, _ = select.select([0, self._wake_read], [], [], PARENT_CHECK_S)
                if 0 in ready and not os.read(0, 4096):
                    break
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                    for report in self._reap():
                        told = self._tell(report) and told
        finally:
            self._take_down()

    def _launch(self, server: dict[str, Any]) -> int:
        guard = os.getpid()
        log = os.open(server["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # Held back until the child is ready to die of them: the guard's handlers would eat them.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        child = os.fork()
        if child:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
            os.close(log)
            return child
        try:
            if self._libc is not None:
                self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != guard:  # the guard died before the kernel knew
                    os._exit(_EXEC_FAILED)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            for handled in _HANDLED:
                signal.signal(handled, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
            os.chdir(self._order["directory"])
            os.execv(server["argv"][0], server["argv"])  # noqa: S606  there is no shell
        except OSError as error:
            os.write(2, f"{server['argv'][0]}: {error.strerror}\n".encode())
        finally:
            os._exit(_EXEC_FAILED)  # whatever happened: never run the guard's code twice

    def _reap(self) -> list[dict[str, object]]:
        """Collect the servers that have ended, as reports."""
        reports: list[dict[str, object]] = []
        for pid in list(self._running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                server = self._running.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                tail = Path(server["log"]).read_bytes()[-TAIL_BYTES:].decode(errors="replace")
                reports.append({"exited": server["name"], "code": code, "tail": tail})
        return reports

    def _tell(self, report: dict[str, object]) -> bool:
        """Write a line to the parent; return whether it is still there to read."""
        try:
            os.write(1, json.dumps(report).encode() + b"\n")
        except BrokenPipeError:
            return False
        return True

    def _take_down(self) -> None:
        for pid, server in self._running.items():
            os.kill(pid, server["stop"])
        deadline_s = time.monotonic() + GRACE_S
        while self._running and time.monotonic() < deadline_s:
            self._reap()
            time.sleep(0.002)
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        import shutil  # only now: the start is what has to be fast

        with suppress(FileNotFoundError):  # the parent may have removed it
            shutil.rmtree(self._order["directory"])


if __name__ == "__main__":
    Guard(json.loads(sys.argv[1])).run()
