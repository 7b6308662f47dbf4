"""The folder of an experiment: what was asked, and every replication as soon as it is done.

scenario.yaml          resolved: every default written out; loads to the same scenario
experiment.json        points, route, model, versions: all that `dermtwin resume` needs
points/000.yaml        each point's scenario, where there are several
replications/          a file for each replication: figures, curves, checks, digest
patients.csv           a row for each patient of the first replication
bank.csv               a row for each entry of the bank, where patients are drawn from one
visits.csv             a row for each visit of the first replication: the log of the queues
events.jsonl           the twin's event log, where a twin was asked; its sha256 is the digest
summary.json           what the command prints
summary.md             the same for a pull request
report.html            the same for people: opens offline
log.json               while a run's log is on servers: which (services/experiments/half_log.py)
progress.json          how far it is, twice a second
job/                   who asked for it, where the API started it (services/jobs/)
twin.jsonl             the worker's log, a line per case; telemetry, not part of the digest
"""

import json
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.experiments.plan import Point
from services.folder_lock import RUNNING, held
from simulator.experiment.result import ReplicationResult
from simulator.language.scenario import load, resolved
from twin.errors import DataError, SettingsError

FORMAT = 1
JOB: Final = "job"  # what the API keeps in a run's folder, before the run has begun
PLAN: Final = "experiment.json"
SUMMARY: Final = "summary.json"  # written last: where it is, nothing is left to do
BEGINNING: Final = ".beginning"  # there while the plan is written; what is there then is ours
# What a process leaves that was killed while it wrote: `Store.write`, tables, progress.
_DRAFT: Final = re.compile(r"\..+\.(\d+|draft)|.+\.draft")


def is_free(folder: Path) -> bool:
    """Return whether a run may begin in a folder.

    Nothing is there but what started it, and perhaps half a plan of a run that was killed.
    """
    if not folder.exists():
        return True
    if not folder.is_dir() or (folder / PLAN).exists():
        return False
    return (folder / BEGINNING).exists() or all(one.name == JOB for one in folder.iterdir())


@dataclass(frozen=True, slots=True)
class Store:
    """One experiment's folder."""

    folder: Path

    @classmethod
    def create(cls, out: Path | None, home: Path, name: str) -> "Store":
        """Make a new folder.

        Raises:
            SettingsError: `out` exists and is not an empty directory.
        """
        if out is not None:
            if not is_free(out):
                raise SettingsError("--out", str(out), "exists and is not an empty directory")
            folder = out
        else:
            stamp = time.strftime("%Y%m%d-%H%M%S")
            folder = home / "runs" / f"{name}-{stamp}-{uuid.uuid4().hex[:4]}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BEGINNING).touch()
        (folder / "replications").mkdir(exist_ok=True)
        return cls(folder)

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """Open the folder of an experiment that was begun.

        Raises:
            DataError: it is none.
        """
        if not (folder / PLAN).is_file():
            raise DataError(folder, f"is no run folder: it has no {PLAN}")
        return cls(folder)

    @property
    def finished(self) -> bool:
        """Whether the experiment came to its end."""
        return (self.folder / SUMMARY).is_file()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody else run this experiment while the block does.

        Raises:
            DataError: somebody is running it.
        """
        with held(self.folder / RUNNING) as free:
            if not free:
                raise DataError(self.folder, "is being run by another process")
            for left in self.folder.rglob("*"):
                if _DRAFT.fullmatch(left.name) and JOB not in left.relative_to(self.folder).parts:
                    left.unlink(missing_ok=True)
            yield

    def begin(self, points: Sequence[Point], order: Mapping[str, Any], base: str) -> None:
        """Keep what was asked for; `base` is the scenario as resolved.

        Raises:
            DataError: another process began here meanwhile.
        """
        with held(self.folder / BEGINNING) as free:
            if not free or (self.folder / PLAN).exists():
                raise DataError(self.folder, "is being begun by another process")
            self.write("scenario.yaml", base)
            if len(points) > 1:
                for place, point in enumerate(points):
                    self.write(f"points/{place:03d}.yaml", resolved(point.scenario))
            plan = {
                "format": FORMAT,
                "labels": [dict(point.label) for point in points],
                "order": dict(order),
            }
            self.write(PLAN, json.dumps(plan, indent=2) + "\n")
        (self.folder / BEGINNING).unlink(missing_ok=True)

    def plan(self) -> tuple[list[Point], dict[str, Any]]:
        """Return the points and the order of an experiment that was begun.

        Raises:
            DataError: written by another version, or altered.
        """
        file = self.folder / PLAN
        try:
            plan = json.loads(file.read_text(encoding="utf-8"))
            if plan["format"] != FORMAT:
                reason = f"format {plan['format']}, but this program reads {FORMAT}"
                raise DataError(file, reason)
            labels = plan["labels"]
            names = [f"points/{place:03d}.yaml" for place in range(len(labels))]
            if len(labels) == 1:
                names = ["scenario.yaml"]
            points = [
                Point(label, load((self.folder / name).read_text(encoding="utf-8"), name))
                for label, name in zip(labels, names, strict=True)
            ]
            return points, plan["order"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(file, f"cannot be read: {error}") from error

    def records(self, point: int, *, several: bool) -> str:
        """Return the start of the paths of a point's own tables."""
        return f"{self.folder.resolve()}/{f'points/{point:03d}-' if several else ''}"

    def keep(self, point: int, result: ReplicationResult) -> None:
        """Keep a replication; a file is there as a whole or not at all."""
        name = f"replications/{point:03d}-{result.replication:05d}.json"
        self.write(name, json.dumps(result.as_dict()) + "\n")

    def kept(self, point: int) -> dict[int, ReplicationResult]:
        """Return the replications of a point that are there, by number."""
        found = {}
        for file in sorted((self.folder / "replications").glob(f"{point:03d}-*.json")):
            try:
                data = json.loads(file.read_text(encoding="utf-8"))
                result = ReplicationResult.from_dict(data)
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(file, f"is damaged: {error}; remove it to run it again") from error
            found[result.replication] = result
        return found

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file of the folder; a crash leaves the old one or the new one, never half."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_bytes(text.encode() if isinstance(text, str) else text)
        draft.replace(file)
        return file
