"""What is asked of the jobs, and why they may refuse it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.jobs.job import Kind


class QueueFullError(Exception):
    """As many jobs wait as may."""


class JobClashError(Exception):
    """The job's id is taken by one that was asked for with something else."""


class JobStateError(Exception):
    """The job is not where it could do that; says so in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """What is asked for.

    Parameters:
        id: of its own for each request; the same request sent again has the same.
        argv: of the command line, with `launch.FOLDER` for the run's folder.
        files: name and text of files that the arguments name; they are put into `FOLDER/job/`.
        asked_by: id of whoever asks.
        digest: of the request: the same id with another one is refused.
        workers: what `dermtwin resume` is told.
        facts: what else to show.
    """

    id: str
    kind: Kind
    argv: Sequence[str]
    files: Mapping[str, str]
    asked_by: str
    digest: str
    workers: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
