"""Which scenario run is attached to the twin that is up, as Redis knows it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.config import Settings
from services.upfile import UpFile
from twin.errors import DataError, DependencyError

_SIGN: Final = "."  # between the tag of a run and the ids of its cases
_SILENT_S: Final = 60.0  # a run renews its note about once a second; one that does not has died

_PATIENCE_S: Final = 5.0  # a server on the same network answers in milliseconds: assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A run whose cases are on the log of a twin that is up."""

    begins: str  # what its case ids begin with
    name: str
    offset_min: float  # event time of its time zero
    virtual: bool = False  # goes as fast as it can: cases are sent ahead of their time


def attached_run(settings: Settings) -> Attached | None:
    """Return the run that is attached and began last; None where none is running.

    Raises:
        DependencyError: Redis does not answer.
        DataError: what it says cannot be read.
    """
    import redis

    from services.redis_client import redis_client

    note = UpFile(settings.home).read()
    url = settings.redis or (note["redis"] if note else None)
    if url is None:
        return None  # a log without a mirror has nothing to ask
    key = f"{note['prefix'] if note else settings.name}:attached"
    try:
        client = redis_client(url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        try:
            found: Any = client.hgetall(key)
        finally:
            client.close()
    except redis.RedisError as error:
        raise DependencyError(f"Redis at {url} does not answer") from error
    return running(key, {tag.decode(): text for tag, text in found.items()}, time.time())


def running(key: str, notes: Mapping[str, bytes], now_unix_s: float) -> Attached | None:
    """Return the run among notes by tag that is under way and began last.

    Raises:
        DataError: a note cannot be read.

    >>> note = b'{"name": "clinic", "offset_min": 1440.0, "speed": 60, "state": "running"}'
    >>> running("p:attached", {"clinic-1": note}, 0.0).begins
    'clinic-1.'
    """
    latest: tuple[float, Attached] | None = None
    for tag, text in sorted(notes.items()):
        try:
            note = json.loads(text)
            run = Attached(
                begins=f"{tag}{_SIGN}",
                name=str(note["name"]),
                offset_min=float(note["offset_min"]),
                virtual=note.get("speed") is None,
            )
            since_s = float(note.get("began_unix_s", 0.0))
            silent_s = now_unix_s - float(note.get("updated_unix_s", now_unix_s))
            under_way = note.get("state") == "running" and silent_s < _SILENT_S
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{key} {tag}", "is no note of an attached run") from error
        if under_way and (latest is None or since_s >= latest[0]):
            latest = (since_s, run)
    return None if latest is None else latest[1]
