"""Starts an attempt of a job under a keeper, and sends signals to what runs."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.folder_lock import is_held
from services.jobs import keeper
from services.jobs.job import Job, read_json
from twin.errors import DependencyError

FOLDER: Final = "{folder}"  # stands for the run's folder in a job's arguments
_NICE: Final = 10  # the live twin comes first: assumption
_START_S: Final = 20.0  # for a keeper to answer on a busy machine; it takes 30 ms: assumption
# Keepers that this process started. They outlive it; as long as it is there it has to reap them.
_KEEPERS: Final[set["subprocess.Popen[bytes]"]] = set()


def start(job: Job, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Start the attempt that is asked for; return as soon as its process is there.

    Raises:
        DependencyError: it could not be started.
    """
    if job.begun:
        argv = ["resume", FOLDER, "--json"]
        if job.asked.get("workers"):
            argv += ["--workers", str(job.asked["workers"])]
    else:
        _clear(job)
        argv = list(job.asked["argv"])
    folder = str(job.folder.resolve())
    order = {
        "folder": str(job.own.resolve()),
        "attempt": job.attempt,
        "argv": [*command, *(part.replace(FOLDER, folder) for part in argv)],
        "cwd": folder,
        "environment": dict(environment),
        "nice": _NICE,
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", keeper.__file__],
        start_new_session=True,  # it goes on when the API does not
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    _KEEPERS.add(process)
    assert process.stdin is not None and process.stdout is not None  # pipes were asked for
    with suppress(BrokenPipeError), process.stdin as orders:  # it ended: it will not answer, either
        orders.write(json.dumps(order).encode())
    with process.stdout as answers:
        ready, _, _ = select.select([answers], [], [], _START_S)
        answer = answers.readline().strip() if ready else b"no answer"
    if answer != b"started" and not (job.own / "exit.json").is_file():
        raise DependencyError(f"job {job.id} could not be started: {answer.decode() or 'it ended'}")


def reap() -> None:
    """Let go of keepers that have ended."""
    _KEEPERS.difference_update([one for one in _KEEPERS if one.poll() is not None])


def send(job: Job, number: signal.Signals) -> None:
    """Send a signal to all processes of a job that runs.

    While its lock is held, one of its processes lives, and so its group: no other can have its
    number.
    """
    started = read_json(job.own / "started.json")
    if started is None or started.get("attempt") != job.attempt or not is_held(job.own / "lock"):
        return
    with suppress(ProcessLookupError):
        os.killpg(int(started["pid"]), number)


def _clear(job: Job) -> None:
    """Remove what an attempt left that ended before there was anything to resume."""
    for one in job.folder.iterdir():
        if one != job.own:
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one)
            else:
                one.unlink()


def tail(file: Path, most_bytes: int) -> str:
    """Return the end of a text file; empty where there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - most_bytes))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""
