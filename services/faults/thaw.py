"""Lets a stopped process go on: when its time is over, or whoever stopped it is gone.

Run as a script, `python -I -S thaw.py PID STARTED`; standard library only, so that it starts fast.
It stops the process, says so by a line, and goes on with it when its standard input ends, whether
that was closed or its owner was killed. STARTED is the process's start in clock ticks
(`/proc/PID/stat`), so that no other of the same number is touched; empty where that is not known.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path


def started(pid: int) -> str:
    """Return when a process started, in ticks since the machine did; empty if it is not known."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def main() -> None:
    """Stop and, later, go on."""
    pid, since = int(sys.argv[1]), sys.argv[2]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's to decide
    if started(pid) == since:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    os.write(1, b"stopped\n")
    try:
        while os.read(0, 4096):
            continue
    finally:
        if started(pid) == since:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    main()
