"""One job as its folder tells it: nothing of it is only in a process.

FOLDER/job/job.json       what was asked for, by whom, when; never changed
FOLDER/job/queue.json     attempt n is asked for: to start, or to resume; each makes n one more
FOLDER/job/started.json   attempt n has begun (keeper.py)
FOLDER/job/cancel.json    attempt n is to end
FOLDER/job/exit.json      attempt n has ended, with this code (keeper.py)
FOLDER/job/lock           held while any process of it lives
FOLDER/progress.json      how far it is
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from services.exits import Exit
from services.experiments.store import JOB
from services.folder_lock import RUNNING, is_held
from services.progress import read_progress

Kind = Literal["run", "forecast"]
Gates = Literal["pass", "fail", "inconclusive"]

_GATES: Final[Mapping[int, Gates]] = {
    Exit.OK: "pass",
    Exit.GATE_FAILED: "fail",
    Exit.INCONCLUSIVE: "inconclusive",
}
_CTRL_C: Final = 130
_RESULTS: Final[Mapping[Kind, str]] = {"run": "summary.json", "forecast": "forecast.json"}
_RESUMABLE: Final = "experiment.json"  # what `dermtwin resume` starts from


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"  # with a result, whatever its gates say
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # its process is gone, without a result


ENDED: Final = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.INTERRUPTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job, or a run that a person started: that one is only looked at.

    Parameters:
        folder: of the run.
        asked: job.json; empty where a person started it.
        exit_code: of the last attempt; None while it goes on, and where nobody kept it.
        cancelling: somebody asked for its end, and it has not come yet.
        attempt: number of the last one, from 1; 0 where a person started it.
    """

    id: str
    kind: Kind
    folder: Path
    state: State
    gates: Gates | None
    exit_code: int | None
    cancelling: bool
    attempt: int
    created_unix_s: float
    ended_unix_s: float | None
    asked: Mapping[str, Any] = field(default_factory=dict)
    progress: Mapping[str, Any] | None = None

    @property
    def managed(self) -> bool:
        """Whether the API started it, and may end it."""
        return bool(self.asked)

    @property
    def resumable(self) -> bool:
        """Whether it can carry on."""
        stopped = self.state in {State.CANCELLED, State.INTERRUPTED}
        return self.managed and self.kind == "run" and stopped

    @property
    def own(self) -> Path:
        """Where the job's own files are."""
        return self.folder / JOB

    @property
    def begun(self) -> bool:
        """Whether the command got as far as a folder that can be resumed."""
        return (self.folder / _RESUMABLE).is_file()


def read_job(folder: Path) -> Job | None:
    """Return the job or run of a folder; None where there is none."""
    own = folder / JOB
    asked = read_json(own / "job.json")
    if asked is None:
        return _by_hand(folder)
    kind: Kind = "forecast" if asked.get("kind") == "forecast" else "run"
    attempt = int((read_json(own / "queue.json") or {}).get("attempt", 1))
    # Before the others are read: what ends now has let go of the lock and kept its code.
    alive = is_held(own / "lock")
    cancel, started, ended = (
        _of(attempt, own / f"{name}.json") for name in ("cancel", "started", "exit")
    )
    state, gates = _state(
        ended=ended, started=started is not None, alive=alive, cancel=cancel is not None
    )
    return Job(
        id=folder.name,
        kind=kind,
        folder=folder,
        state=state,
        gates=gates if kind == "run" else None,
        exit_code=None if ended is None else int(ended["code"]),
        cancelling=cancel is not None and state in {State.QUEUED, State.RUNNING},
        attempt=attempt,
        created_unix_s=float(asked["created_unix_s"]),
        ended_unix_s=None if ended is None else float(ended["unix_s"]),
        asked=asked,
        progress=read_progress(folder) if started is not None else None,
    )


def read_json(file: Path) -> dict[str, Any] | None:
    """Return what a JSON file holds; None where there is none that is whole."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def result_file(kind: Kind) -> str:
    """Return the name of the file that holds a job's result."""
    return _RESULTS[kind]


def _of(attempt: int, file: Path) -> dict[str, Any] | None:
    """Return a file's content if it is of this attempt."""
    found = read_json(file)
    return found if found is not None and found.get("attempt") == attempt else None


def _state(
    *, ended: Mapping[str, Any] | None, started: bool, alive: bool, cancel: bool
) -> tuple[State, Gates | None]:
    if ended is not None:
        code = int(ended["code"])
        if code in _GATES:
            return State.DONE, _GATES[code]
        if cancel:
            return State.CANCELLED, None
        # Below 0: by a signal that nobody here sent; 130: by Ctrl-C.
        return (State.INTERRUPTED if code < 0 or code == _CTRL_C else State.FAILED), None
    if alive:
        return State.RUNNING, None
    if started:
        return (State.CANCELLED if cancel else State.INTERRUPTED), None
    return (State.CANCELLED if cancel else State.QUEUED), None


def _by_hand(folder: Path) -> Job | None:
    """Return the run that a person started from the command line, as far as its files tell."""
    named: Kind = "run" if (folder / _RESUMABLE).is_file() else "forecast"
    begun = folder / (_RESUMABLE if named == "run" else _RESULTS[named])
    if not begun.is_file():
        return None
    result = folder / _RESULTS[named]
    if not result.is_file() and (folder / "detectors.json").is_file():
        result = folder / "detectors.json"
    done = result.is_file()
    gates = (read_json(result) or {}).get("gates") if done else None
    running = is_held(folder / RUNNING)
    state = State.RUNNING if running else State.DONE if done else State.INTERRUPTED
    return Job(
        id=folder.name,
        kind=named,
        folder=folder,
        state=state,
        gates=gates if gates in _GATES.values() and state is State.DONE else None,
        exit_code=None,
        cancelling=False,
        attempt=0,
        created_unix_s=begun.stat().st_mtime,
        ended_unix_s=result.stat().st_mtime if done and not running else None,
        progress=read_progress(folder),
    )
