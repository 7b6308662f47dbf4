"""Whether processes are gone, for tests that end them. An unreaped one is gone."""

import time

import psutil


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def await_gone(*pids: int) -> None:
    deadline_s = time.monotonic() + 10
    while not all(is_gone(pid) for pid in pids):
        assert time.monotonic() < deadline_s, (
            f"still running: {[p for p in pids if not is_gone(p)]}"
        )
        time.sleep(0.01)
