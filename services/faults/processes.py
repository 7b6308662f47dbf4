"""Faults of processes: killed, frozen, and without a disk."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from services.faults.thaw import started
from twin.errors import DependencyError

_THAW: Final = Path(__file__).with_name("thaw.py")
_THAWED_S: Final = 10.0


def kill(pid: int) -> None:
    """End a process at once; nothing happens if it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def freeze(pid: int) -> Callable[[], None]:
    """Stop a process; return what lets it go on. It goes on, too, if this process ends."""
    owner = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_THAW), str(pid), started(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert owner.stdout is not None
    if not owner.stdout.readline():
        raise DependencyError(f"process {pid} could not be frozen")

    def go_on() -> None:
        with owner:
            assert owner.stdin is not None
            owner.stdin.close()
            owner.wait(_THAWED_S)

    return go_on


def no_disk(pids: Sequence[int]) -> Callable[[], None]:
    """Have the kernel refuse processes to write to files; return what allows it again.

    A limit on the size of files stands for the full disk: it meets the same system calls, with
    EFBIG in place of ENOSPC, and no other process of the machine. Pipes and sockets go on.
    """
    before: dict[psutil.Process, tuple[int, int]] = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            soft, hard = process.rlimit(resource.RLIMIT_FSIZE)
            process.rlimit(resource.RLIMIT_FSIZE, (0, hard))
            before[process] = (soft, hard)

    def allow() -> None:
        for process, limits in before.items():
            with suppress(psutil.NoSuchProcess):  # it was started again, and has no limit
                process.rlimit(resource.RLIMIT_FSIZE, limits)

    return allow
