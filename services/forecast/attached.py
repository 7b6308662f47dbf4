"""Which scenario run is attached to the twin that is up, as Redis knows it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.commands.upfile import UpFile
from services.config import Settings
from twin.errors import DataError, DependencyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A run whose cases are on the log of a twin that is up."""

    tag: str  # stands before its case ids
    name: str
    offset_min: float  # event time of its time zero
    virtual: bool = False  # whether its clock sends cases ahead of their time


def attached_run(settings: Settings) -> Attached | None:
    """Return the run that is attached and began last; None where none is running.

    Raises:
        DependencyError: Redis does not answer.
        DataError: what it says cannot be read.
    """
    import redis

    note = UpFile(settings.home).read()
    url = settings.redis or (note["redis"] if note else None)
    if url is None:
        return None  # a log without a mirror has nothing to ask
    key = f"{note['prefix'] if note else settings.name}:attached"
    try:
        client = redis.Redis.from_url(url)
        try:
            found: Any = client.hgetall(key)
        finally:
            client.close()
    except redis.RedisError as error:
        raise DependencyError(f"Redis at {url} does not answer") from error
    return running(key, {tag.decode(): text for tag, text in found.items()})


def running(key: str, notes: Mapping[str, bytes]) -> Attached | None:
    """Return the run among notes by tag that has not ended and began last.

    Raises:
        DataError: a note cannot be read.

    >>> running("p:attached", {"a1": b'{"name": "clinic", "offset_min": 1440.0}'}).offset_min
    1440.0
    """
    latest: tuple[float, Attached] | None = None
    for tag, text in sorted(notes.items()):
        try:
            note = json.loads(text)
            ended = any(value for name, value in note.items() if name.startswith("ended"))
            began = [value for name, value in note.items() if name.startswith("began")]
            run = Attached(
                tag=tag,
                name=str(note["name"]),
                offset_min=float(note["offset_min"]),
                virtual=note.get("clock") == "virtual",
            )
            since = float(began[0]) if began else 0.0
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{key} {tag}", "is no note of an attached run") from error
        is_over = ended or note.get("state", "running") not in ("running", "began", "attached")
        if not is_over and (latest is None or since >= latest[0]):
            latest = (since, run)
    return None if latest is None else latest[1]
