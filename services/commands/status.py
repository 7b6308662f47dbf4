"""`dermtwin status`: what the twin that is up is doing, and how fresh that is."""

import time

from services.commands.options import Json, environment_settings
from services.console import emit


def status(as_json: Json = False) -> None:
    """Show the mirror of the twin that is up: stack, labels, drift, components, and how fresh.

    Finds a twin started by `dermtwin up` in the same DERMTWIN_HOME, or the one in REDIS_URL.

    Example: dermtwin status --json
    """
    from services.commands.status_table import status_table
    from services.mirror.redis_mirror import RedisMirror
    from services.status import status_of
    from services.upfile import UpFile
    from twin.errors import DependencyError

    settings = environment_settings()
    note = UpFile(settings.home).read()
    redis = settings.redis or (note["redis"] if note else None)
    if redis is None:
        raise DependencyError("no twin is up: start one with `dermtwin up`, or set REDIS_URL")
    prefix = note["prefix"] if note else settings.name
    mirror = RedisMirror(redis, prefix)
    overview = mirror.overview()
    if overview.updated_unix_s is None:
        raise DependencyError(f"no mirror has written below {prefix} at {redis}")
    result = {"prefix": prefix, "redis": redis, **status_of(overview, time.time())}
    emit(result, as_json=as_json, table=status_table(result))
