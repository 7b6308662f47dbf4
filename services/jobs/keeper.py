"""Starts one command of a job, waits for it, and keeps its exit code, whoever asked for it.

Run as a script, `python -I -S keeper.py`, with an ORDER on its standard input: as an argument, all
on the machine could see it, and an environment may hold passwords. Standard library only, so that
it starts fast and costs little. It leads a session of its own: a job outlives the API that started
it.

ORDER is a JSON object: `folder` (of the job's own files), `attempt` (its number), `argv`, `cwd`,
`environment`, `nice`. It writes `started.json` ({attempt, pid, unix_s}) before the command
starts, the command's output to `stdout.json` and `stderr.txt`, and `exit.json` ({attempt, code,
unix_s}) at its end. It holds the lock on `lock` and hands it to the command: the job runs as long
as it is held.

Standard output carries one line: `started`, or why not.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_PATIENCE_S: Final = 2.0  # for whoever only looks whether the lock is held: assumption


def main(order: dict[str, Any]) -> int:
    """Carry out an order; return the exit code."""
    folder = Path(order["folder"])
    # A signal for the group is the command's. Handlers, because what is ignored stays ignored in
    # the command, which a shell may have begun with: Ctrl-C would then be lost.
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, lambda *_: None)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    if not _taken(lock):
        print("it runs already", flush=True)  # noqa: T201  a script that answers its caller
        return 1
    _write(folder / "started.json", {"attempt": order["attempt"], "pid": os.getpid()})
    try:
        with (folder / "stdout.json").open("wb") as out, (folder / "stderr.txt").open("ab") as err:
            child = subprocess.Popen(
                order["argv"],
                cwd=order["cwd"],
                env=order["environment"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=(lock,),
            )
    except OSError as error:
        (folder / "stderr.txt").write_text(f"cannot be started: {error.strerror}\n")
        code = 127  # as in a POSIX shell
    else:
        # At once, before it has threads: the live twin comes first.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, order["nice"])
        print("started", flush=True)  # noqa: T201
        code = child.wait()
    _write(folder / "exit.json", {"attempt": order["attempt"], "code": code})
    return 0


def _taken(lock: int) -> bool:
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.02)
        else:
            return True


def _write(file: Path, state: dict[str, Any]) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(json.dumps({**state, "unix_s": time.time()}) + "\n")
    draft.replace(file)


if __name__ == "__main__":
    sys.exit(main(json.load(sys.stdin)))
