"""`dermtwin rebuild`: the mirror made again from the log, and proved equal to it."""

import re
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.options import Json, environment_settings
from services.console import emit, progress_bars, say, two_columns
from services.exits import Exit

if TYPE_CHECKING:
    from rich.table import Table

    from services.bus.port import Subscriber

Check = Annotated[
    bool, typer.Option("--check", help="Only hold the mirror against the log; change nothing.")
]
Anyway = Annotated[
    bool,
    typer.Option(
        "--anyway",
        help="Also where the broker has forgotten the beginning of the log.",
    ),
]


def rebuild(check: Check = False, anyway: Anyway = False, as_json: Json = False) -> None:
    """Make the mirror in Redis again from the log, and prove it equal to a fold of its own.

    It is built beside the old one and takes its place in one moment, if it is equal; a mirror that
    is at work goes on from there, and the API begins anew with it. Uploads, explanations and notes
    of attached runs stay.

    Finds a twin started by `dermtwin up` in the same DERMTWIN_HOME, or the one that
    KAFKA_BOOTSTRAP_SERVERS, REDIS_URL and DERMTWIN_NAME name.

    Exit codes: 0 equal, 5 not equal (the old mirror is as it was), 1 a server failed or the log's
    beginning is gone.

    Examples: dermtwin rebuild --check

    dermtwin rebuild --json
    """
    from services.bus.kafka_subscriber import KafkaSubscriber
    from services.bus.topics import MIRRORED
    from services.mirror import rebuild as made
    from services.upfile import UpFile
    from twin.errors import DependencyError

    settings = environment_settings()
    note = UpFile(settings.home).read() or {}
    kafka, redis = settings.kafka or note.get("kafka"), settings.redis or note.get("redis")
    if kafka is None or redis is None:
        raise DependencyError(
            "no twin is up: start one with `dermtwin up`, or set KAFKA_BOOTSTRAP_SERVERS and "
            "REDIS_URL"
        )
    prefix = note.get("prefix", settings.name)
    with ExitStack() as stack:
        bars = stack.enter_context(progress_bars())

        def reader(group: str) -> "Subscriber":
            subscriber = KafkaSubscriber(kafka, prefix, MIRRORED, group)
            stack.callback(subscriber.close)
            return subscriber

        if check:
            found, in_place, expired = made.check(redis, prefix, reader, bars), False, []
        else:
            done = made.rebuild(redis, prefix, reader, bars, anyway=anyway)
            found, in_place, expired = done.comparison, done.in_place, done.expired
    result = {
        "prefix": prefix,
        "redis": re.sub(r"//[^/]*@", "//***@", redis),  # it may hold a password
        "checked_only": check,
        "in_place": in_place,
        "log_begins_late": expired,
        **found.told(),
    }
    emit(result, as_json=as_json, table=_table(result))
    if not found.equal:
        if not check:
            say("the new mirror is not what the log says: the old one is as it was")
        sys.exit(Exit.NOT_EQUAL)
    if not (check or in_place):
        raise DependencyError(
            f"the broker has forgotten the log's beginning ({expired[0]}): a mirror made of the "
            "rest would lack what the old one knows. --anyway puts it in place"
        )


def _table(result: dict[str, Any]) -> "Table":
    log, mirror = result["log"], result["mirror"]
    rows = {
        "mirror": f"{result['prefix']} at {result['redis']}",
        "records": str(result["records"]),
        **{
            name: f"{count} in the log, {mirror[name]} in the mirror"
            for name, count in log.items()
            if name != "fingerprint" and (count or mirror[name])
        },
        "fold of the log": log["fingerprint"],
        "mirror read back": mirror["fingerprint"],
        "equal": "yes" if result["equal"] else "NO",
    }
    for number, words in enumerate(result["differences"], start=1):
        rows[f"difference {number}"] = words
    if result["more_differences"]:
        rows["more"] = f"{result['more_differences']} differences"
    if not result["checked_only"]:
        rows["put in place"] = "yes" if result["in_place"] else "no"
    return two_columns("log and mirror", rows)
