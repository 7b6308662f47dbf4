"""All jobs of a home: asked for, started a few at a time, ended, carried on.

What is known of them stands in their folders. Whoever is restarted finds them all again.
"""

import json
import re
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from services.atomic import write_text
from services.experiments.store import JOB
from services.jobs.job import ENDED, Job, State, read_job
from services.jobs.launch import reap, send, start
from services.jobs.order import JobClashError, JobOrder, JobStateError, QueueFullError
from services.logs import Log
from twin.errors import DependencyError, SettingsError

_FORMAT: Final = 1
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
AT_ONCE: Final = 2  # assumption: the live twin keeps the rest of the machine
MOST_WAITING: Final = 50  # assumption: more is a program gone wild
# From SIGINT to SIGTERM, and on to SIGKILL: a command that is asked to end takes a second or two.
GRACE_S: Final = 10.0


class Jobs:
    """The jobs below a folder of runs.

    Parameters:
        root: DERMTWIN_HOME/runs.
        others: folders of runs and forecasts from the command line, only looked at.
        command: what runs the command line, such as python -m services.cli.
        environment: of the jobs.
        log: where it is told what is started, and what cannot be.
        at_once: most jobs that run at a time; others wait.
        grace_s: from one signal to the next, harder one.
    """

    def __init__(
        self,
        root: Path,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Log,
        *,
        others: Sequence[Path] = (),
        at_once: int = AT_ONCE,
        grace_s: float = GRACE_S,
    ) -> None:
        if at_once < 1:
            raise SettingsError("jobs", at_once, "at least 1 at once")
        self._root = root
        self._others = tuple(others)
        self._command = tuple(command)
        self._environment = dict(environment)
        self._log = log
        self._at_once = at_once
        self._grace_s = grace_s
        self._lock = threading.RLock()  # what is asked for, and the beat, come in turn
        self._open: set[str] | None = None  # ids that have not ended; None: not looked yet

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let nobody else start, cancel or resume a job while the block runs."""
        with self._lock:
            yield

    def submit(self, order: JobOrder) -> Job:
        """Take in a job, and start it if there is room; asked for again, it is the one there is.

        Raises:
            QueueFullError: too many wait.
            JobClashError: the id is taken by another order.
        """
        with self._lock:
            there = self.get(order.id)
            if there is not None:
                if there.asked.get("digest") != order.digest:
                    raise JobClashError(order.id)
                return there
            waiting = sum(job.state is State.QUEUED for job in self._unfinished())
            if waiting >= MOST_WAITING:
                raise QueueFullError
            self._keep(order)
            self._known_open().add(order.id)
            self.beat()
            return self._must(order.id)

    def get(self, id: str) -> Job | None:
        """Return a job or run; None where there is none, or the id is none."""
        if not _ID.fullmatch(id):
            return None
        for root in (self._root, *self._others):
            folder = root / id
            if not folder.is_symlink() and folder.is_dir():
                return read_job(folder)
        return None

    def all(self) -> list[Job]:
        """Return all jobs and runs, the newest first."""
        roots = [root for root in (self._root, *self._others) if root.is_dir()]
        ids = {one.name for root in roots for one in root.iterdir()}
        found = [job for id in ids if (job := self.get(id)) is not None]
        return sorted(found, key=lambda job: (-job.created_unix_s, job.id))

    def cancel(self, id: str, by: str) -> Job:
        """Ask for a job's end; it ends within seconds.

        Raises:
            JobStateError: it has ended, or a person started it.
        """
        with self._lock:
            job = self._managed(id)
            if job.state in ENDED:
                raise JobStateError(f"it is {job.state} already")
            if not job.cancelling:
                self._note(job, "cancel", {"attempt": job.attempt, "by": by})
                send(job, signal.SIGINT)
                self._log.info("job cancelled", job=id, by=by)
            return self._must(id)

    def resume(self, id: str, by: str) -> Job:
        """Have a run carry on that was cancelled or interrupted.

        Raises:
            JobStateError: it is not, it is no run, or a person started it.
            QueueFullError: too many wait.
        """
        with self._lock:
            job = self._managed(id)
            if not job.resumable:
                raise JobStateError(
                    "a forecast is asked for anew"
                    if job.kind == "forecast"
                    else f"it is {job.state}: only what was cancelled or interrupted carries on"
                )
            if sum(one.state is State.QUEUED for one in self._unfinished()) >= MOST_WAITING:
                raise QueueFullError
            self._note(job, "queue", {"attempt": job.attempt + 1, "by": by})
            self._known_open().add(id)
            self._log.info("job resumed", job=id, by=by)
            self.beat()
            return self._must(id)

    def beat(self) -> int:
        """Start what waits and has room, press what is to end; return how many have not ended."""
        with self._lock:
            reap()
            unfinished = self._unfinished()
            for job in unfinished:
                if job.cancelling:
                    self._press(job)
            running = sum(job.state is State.RUNNING for job in unfinished)
            waiting = [job for job in unfinished if job.state is State.QUEUED]
            waiting.sort(key=lambda job: (job.created_unix_s, job.id))
            for job in waiting[: max(0, self._at_once - running)]:
                self._start(job)
            return len(self._known_open())

    def _start(self, job: Job) -> None:
        try:
            start(job, self._command, self._environment)
        except (DependencyError, OSError) as error:
            # It stays queued and is tried again at the next beat.
            self._log.error("job not started", job=job.id, reason=str(error))
        else:
            self._log.info("job started", job=job.id, attempt=job.attempt)

    def _press(self, job: Job) -> None:
        """Send the signal that is due: each is harder than the one before."""
        asked = json.loads((job.own / "cancel.json").read_text(encoding="utf-8"))
        waited_s = time.time() - float(asked["unix_s"])
        if waited_s > 2 * self._grace_s:
            send(job, signal.SIGKILL)
        elif waited_s > self._grace_s:
            send(job, signal.SIGTERM)

    def _unfinished(self) -> list[Job]:
        known = self._known_open()
        found = []
        for id in list(known):
            job = self.get(id)
            if job is None or job.state in ENDED:
                known.discard(id)
            else:
                found.append(job)
        return found

    def _known_open(self) -> set[str]:
        if self._open is None:
            self._open = {job.id for job in self.all() if job.managed and job.state not in ENDED}
        return self._open

    def _managed(self, id: str) -> Job:
        job = self._must(id)
        if not job.managed:
            raise JobStateError("it was started from the command line and is only looked at here")
        return job

    def _must(self, id: str) -> Job:
        job = self.get(id)
        if job is None:
            raise JobStateError("it is gone")
        return job

    def _note(self, job: Job, name: str, state: Mapping[str, Any]) -> None:
        write_text(job.own / f"{name}.json", json.dumps({**state, "unix_s": time.time()}) + "\n")

    def _keep(self, order: JobOrder) -> None:
        """Make the folder of a job, whole or not at all."""
        asked = {
            "format": _FORMAT,
            "id": order.id,
            "kind": order.kind,
            "argv": list(order.argv),
            "asked_by": order.asked_by,
            "digest": order.digest,
            "workers": order.workers,
            "created_unix_s": time.time(),
            "facts": dict(order.facts),
        }
        self._root.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self._root))
        draft.chmod(0o755)  # mkdtemp keeps others out; runs are for looking at
        (draft / JOB).mkdir()
        for name, text in order.files.items():
            (draft / JOB / name).write_text(text, encoding="utf-8")
        write_text(draft / JOB / "job.json", json.dumps(asked, indent=2) + "\n")
        draft.rename(self._root / order.id)
