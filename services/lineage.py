"""Finds the log of a run, or of the twin that is up, and reads its lineage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.bus.codec import read_log
from services.config import Settings
from services.live_log import live_log, read_topic
from twin.errors import DataError, EventError
from twin.events import Event
from twin.restacking.lineage import Lineage, lineage_of

_LOG: Final = "events.jsonl"
_TOPIC: Final = "stacks"


@dataclass(frozen=True, slots=True)
class RunLog:
    """The event log of one replication of a run.

    Parameters:
        file: lines as `twin.log.line` wrote them.
    """

    file: Path

    @property
    def name(self) -> str:
        """Return the run's folder and the log's name below it."""
        return f"{self.file.parent.name}/{self.file.name}"

    def events(self) -> Iterator[Event]:
        """Yield all events.

        Raises:
            DataError: a line is none, with its number.
        """
        try:
            with self.file.open("rb") as lines:
                yield from read_log(lines)
        except EventError as error:
            raise DataError(self.file, error.args[1]) from error

    def lineage(self) -> Lineage:
        """Return its stack versions and decisions.

        Raises:
            DataError: there are none, or the log was altered.
        """
        return lineage_of(self.events(), str(self.file))


def find_run(home: Path, which: str | None) -> Path:
    """Return a run's folder.

    Parameters:
        which: a folder, or the name of one below `home`/runs; None for the latest.

    Raises:
        DataError: there is no such run; the message names the latest ones.
    """
    runs = home / "runs"
    known = sorted(
        (file.parent for file in runs.glob("*/experiment.json")),
        key=lambda folder: (folder / "experiment.json").stat().st_mtime,
    )
    if which is None:
        if not known:
            raise DataError(runs, "holds no run: make one with `dermtwin run SCENARIO`")
        return known[-1]
    for folder in (Path(which), runs / which):
        if folder.is_dir():
            return folder
    names = ", ".join(folder.name for folder in known[:-4:-1]) or "none"
    raise DataError(which, f"there is no such run; the latest below {runs}: {names}")


def find_log(home: Path, which: str | None) -> RunLog:
    """Return the log of a run's first replication.

    Parameters:
        which: as for `find_run`, or the log file itself, as of another replication or point.

    Raises:
        DataError: there is no such run, it has no log, or one for each of several points.
    """
    if which is not None and Path(which).is_file():
        return RunLog(Path(which))
    folder = find_run(home, which)
    if (folder / _LOG).is_file():
        return RunLog(folder / _LOG)
    logs = sorted(str(file) for file in folder.glob(f"points/*-{_LOG}"))
    if logs:
        raise DataError(folder, f"has several points; give one of their logs: {', '.join(logs)}")
    raise DataError(folder, f"has no {_LOG}: no twin was asked in this run, so none was re-stacked")


def live_events(settings: Settings) -> tuple[str, Sequence[Event]]:
    """Return the name of the `stacks` topic of the twin that is up, and what is on it.

    Raises:
        DependencyError: no twin is up, or its broker does not answer.
    """
    with live_log(settings) as log:
        return f"{log.prefix}.{_TOPIC}", read_topic(log.reader((_TOPIC,)))
