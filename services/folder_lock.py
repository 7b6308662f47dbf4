"""Who works in a folder: a lock that the kernel releases however its holder ends.

A process id in a file can be another process by now, and a date says nothing of a slow machine. A
lock (flock(2)) is held as long as any process lives that has the open file, and no longer.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

RUNNING: Final = ".running"  # in the folder of a run, held while it runs


@contextmanager
def held(file: Path) -> Iterator[bool]:
    """Hold a lock while the block runs; yield whether it was free.

    Where it was not, the block still runs: whoever asks decides what that means.
    """
    if sys.platform == "win32":  # without flock, nobody is known to be there
        yield True
        return
    import fcntl

    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def is_held(file: Path) -> bool:
    """Return whether a living process holds a lock; a file that is not there has none."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared: two who look at the same moment do not take each other for the holder.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
