"""`dermtwin status`: what the twin that is up is doing, and how fresh that is."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from services.commands.options import Json, environment_settings
from services.console import emit

Well = Annotated[
    str | None,
    typer.Option(
        "--well",
        metavar="PART",
        help="Exit with 1 unless it is well: mirror, or a component as worker or stem.",
        show_default=False,
    ),
]


def status(well: Well = None, as_json: Json = False) -> None:
    """Show the mirror of the twin that is up: stack, labels, drift, components, and how fresh.

    Finds a twin started by `dermtwin up` in the same DERMTWIN_HOME, or the one in REDIS_URL.

    Example: dermtwin status --json
    Example: dermtwin status --well mirror
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
    if well is not None:
        _ensure_well(well, result)


def _ensure_well(part: str, told: Mapping[str, Any]) -> None:
    """Raise unless a part is well; of several of a kind, unless all are.

    Raises:
        DependencyError: it is not, or nothing is known of it, and why.
    """
    from services.health import SILENT_AFTER_S
    from twin.errors import DependencyError

    if part == "mirror":
        if told["age_s"] > SILENT_AFTER_S:
            raise DependencyError(f"the mirror has not written for {told['age_s']:g} s")
        return
    found = {
        name: one
        for name, one in told["components"].items()
        if name == part or name.startswith(f"{part}-")
    }
    if not found:
        raise DependencyError(f"nothing is known of {part}; known: {', '.join(told['components'])}")
    for name, one in found.items():
        if one["health"] not in {"well", "degraded"}:
            raise DependencyError(f"{name} is {one['health']}: {one['because']}")
