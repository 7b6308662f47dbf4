"""Jobs whose command is a few lines of Python, and what tests wait for."""

import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.jobs.job import ENDED, Job, State
from services.jobs.jobs import Jobs
from services.jobs.order import JobOrder
from services.logs import open_log

# Stands for the command line: argv is what `run` or `resume` gets.
FAKE = """
import json, os, pathlib, signal, sys, time
verb, folder, how = sys.argv[1], pathlib.Path(sys.argv[2]), (sys.argv[3:] or [""])[0]
(folder / "experiment.json").write_text("{}")
(folder / f"{verb}.txt").write_text(os.environ.get("SECRET", "none"))
if verb == "resume" or how == "quick":
    (folder / "summary.json").write_text('{"gates": "pass"}')
    print("told", file=sys.stderr)
    sys.exit(0)
if how.isdigit():
    sys.exit(int(how))
if how == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
(folder / "ready").touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""


def jobs_of(root: Path, *, at_once: int = 2, grace_s: float = 5.0, others: Sequence[Path] = ()):
    command = [sys.executable, "-I", "-S", "-c", FAKE]
    log = open_log(io.StringIO())
    told = {"PATH": "/bin"}
    return Jobs(root, command, told, log, others=others, at_once=at_once, grace_s=grace_s)


def order(id: str, how: str = "quick", *, digest: str = "d") -> JobOrder:
    return JobOrder(
        id=id,
        kind="run",
        argv=["run", "{folder}", how],
        files={"scenario.yaml": "name: x\n"},
        asked_by="somebody",
        digest=digest,
    )


def await_job(jobs: Jobs, id: str, wanted: Callable[[Job], bool]) -> Job:
    deadline_s = time.monotonic() + 60  # a busy machine
    while True:
        jobs.beat()
        job = jobs.get(id)
        assert job is not None
        if wanted(job):
            return job
        assert time.monotonic() < deadline_s, f"{id} is {job}"
        time.sleep(0.01)


def await_end(jobs: Jobs, id: str) -> Job:
    return await_job(jobs, id, lambda job: job.state in ENDED)


def await_ready(jobs: Jobs, id: str) -> Job:
    return await_job(
        jobs, id, lambda job: job.state is State.RUNNING and (job.folder / "ready").exists()
    )
