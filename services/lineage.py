"""Finds the log of a run, or of the twin that is up, and reads its lineage."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.bus.codec import decode, read_log
from services.bus.port import Subscriber
from services.config import Settings
from twin.errors import DataError, DependencyError, EventError
from twin.events import Event
from twin.restacking.lineage import Lineage, lineage_of

_LOG: Final = "events.jsonl"
_TOPIC: Final = "stacks"
_PATIENCE_S: Final = 0.5  # a poll of a topic that has lag; it is asked again while it has


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


def read_topic(reader: Subscriber) -> Sequence[Event]:
    """Return all events of the topics that a subscriber reads from their beginning.

    Raises:
        EventError: what is there is no event.
        DependencyError: the broker did not answer.
    """
    found: list[Event] = []
    while sum(reader.lag().values()) > 0:
        found += [
            decode(message.schema, message.value) for message in reader.poll(1000, _PATIENCE_S)
        ]
    return found


def live_events(settings: Settings) -> tuple[str, Sequence[Event]]:
    """Return the name of the `stacks` topic of the twin that is up, and what is on it.

    Raises:
        DependencyError: no twin is up, or its broker does not answer.
    """
    from services.bus.kafka_subscriber import KafkaSubscriber
    from services.commands.upfile import UpFile

    note = UpFile(settings.home).read()
    servers = settings.kafka or (note["kafka"] if note else None)
    if servers is None:
        raise DependencyError("no twin is up: start one with `dermtwin up`")
    prefix = note["prefix"] if note else settings.name
    reader = KafkaSubscriber(servers, prefix, (_TOPIC,), f"reader-{uuid.uuid4().hex[:8]}")
    try:
        return f"{prefix}.{_TOPIC}", read_topic(reader)
    finally:
        reader.close()
