"""`dermtwin dead-letters`: messages that no loop could use."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.options import Json, environment_settings
from services.console import emit

if TYPE_CHECKING:
    from services.bus.port import Subscriber
    from services.dead_letters.letter import Letter
    from services.live_log import LiveLog

dead_letters = typer.Typer(
    no_args_is_help=True,
    help="Messages that nobody could use: list them, look at them, send them again.",
)
_ID = "ID is where a message came from, as `list` names it: topic/partition/offset."
Reason = Annotated[
    str | None, typer.Option(help="Kind of fault, or a part of the reason.", show_default=False)
]
Topic = Annotated[str | None, typer.Option(help="That they came from.", show_default=False)]


@dead_letters.command("list")
def list_(
    reason: Reason = None,
    topic: Topic = None,
    since: Annotated[
        str | None,
        typer.Option(help="Refused since: 30s, 15m, 2h, 3d ago, or a time.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows; the newest are shown.")] = 50,
    as_json: Json = False,
) -> None:
    """Print the dead letters of the twin that is up, the oldest first, and how many of each kind.

    It is found as `dermtwin status` finds it: by DERMTWIN_HOME, or by KAFKA_BOOTSTRAP_SERVERS and
    DERMTWIN_NAME. Exit codes: 0 printed, 1 no twin is up.

    Examples: dermtwin dead-letters list; dermtwin dead-letters list --reason "not JSON" --since 2h
    """
    from services.commands.dead_letters_tables import list_table, row_of
    from services.dead_letters.reading import Wanted, kinds_of, read_letters, since_of
    from services.live_log import live_log

    since_s = None if since is None else since_of(since, time.time())
    wanted = Wanted(reason=reason, topic=topic, since_unix_s=since_s)
    with live_log(environment_settings()) as log:
        found = [one for one in read_letters(_reader(log)) if wanted.takes(one)]
        prefix = log.prefix
    result = {
        "prefix": prefix,
        "letters": [row_of(one) for one in found[-limit:]],
        "found": len(found),
        "by_reason": kinds_of(found),
    }
    emit(result, as_json=as_json, table=list_table(result))


@dead_letters.command()
def show(
    letter: Annotated[str, typer.Argument(metavar="ID", help=_ID, show_default=False)],
    raw: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the bytes to it, as they are.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Most bytes printed.")] = 2000,
    as_json: Json = False,
) -> None:
    """Print all that is kept of a dead letter: reason, origin, headers, and its bytes.

    Bytes are printed as text where they are UTF-8, else in hexadecimal; control characters are
    escaped.

    Examples: dermtwin dead-letters show cases/2/17; ... show cases/2/17 --raw bytes.bin
    """
    from services.commands.dead_letters_tables import show_result, show_table

    (found,) = _named([letter])
    if raw is not None:
        from services.atomic import write_bytes

        write_bytes(raw, found.value)
    result = show_result(found, most)
    emit(result, as_json=as_json, table=show_table(result))


@dead_letters.command()
def replay(
    letters: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help=_ID, show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that were not sent again yet.")
    ] = False,
    reason: Reason = None,
    topic: Topic = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also those that were sent again before.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which it would be.")] = False,
    as_json: Json = False,
) -> None:
    """Send dead letters again to where they came from, and say what became of them.

    Bytes, key and schema are as they were; a header says of which letter it is a replay. That is of
    use when the twin has learnt to read them, or what was missing is there. Exit codes: 0 all were
    accepted, 1 some were not, or no twin is up.

    Examples: dermtwin dead-letters replay cases/2/17; dermtwin dead-letters replay --all --dry-run
    """
    from services.commands.dead_letters_tables import replay_table, row_of
    from services.dead_letters.replay import ACCEPTED
    from services.dead_letters.replay import replay as send_again
    from services.live_log import live_log

    named = list(letters or ())
    if bool(named) == everything:
        raise _wrong("ID", " ".join(named), "expected ids, or --all")
    if named:
        chosen = _named(named)
        spent = [one.origin for one in chosen if one.replayed]
        if spent and not again:
            raise _wrong("ID", spent[0], "was sent again before; say --again to do it once more")
    else:
        chosen = _all(reason, topic, again=again)
    partly = [one.origin for one in chosen if one.kept]
    chosen = [one for one in chosen if not one.kept]
    result: dict[str, Any] = {"dry_run": dry_run, "not_whole": partly}
    if dry_run:
        rows = [{"letter": one.origin, "would": f"go to {one.topic}"} for one in chosen]
        result["letters"] = [row_of(one) for one in chosen]
        emit(result, as_json=as_json, table=replay_table(rows, partly))
        return
    with live_log(environment_settings()) as log:
        fates = send_again(log, chosen) if chosen else []
    result["letters"] = [
        {"letter": one.origin, "is_now": one.place, "outcome": one.outcome, "reason": one.reason}
        for one in fates
    ]
    rows = result["letters"]
    emit(result, as_json=as_json, table=replay_table(rows, partly))
    if partly or any(one.outcome != ACCEPTED for one in fates):
        raise typer.Exit(1)


def _all(reason: str | None, topic: str | None, *, again: bool) -> "list[Letter]":
    from services.dead_letters.reading import Wanted, read_letters
    from services.live_log import live_log

    wanted = Wanted(reason=reason, topic=topic, fresh=not again)
    with live_log(environment_settings()) as log:
        return [one for one in read_letters(_reader(log), wanted.takes) if wanted.takes(one)]


def _named(origins: list[str]) -> "list[Letter]":
    from services.dead_letters.reading import read_letters
    from services.live_log import live_log

    with live_log(environment_settings()) as log:
        found = read_letters(_reader(log), lambda one: one.origin in origins)
    known = {one.origin: one for one in found}
    for origin in origins:
        if origin not in known:
            raise _wrong("ID", origin, "is no dead letter; `dermtwin dead-letters list` names them")
    return [known[origin] for origin in dict.fromkeys(origins)]


def _reader(log: "LiveLog") -> "Subscriber":
    from services.dead_letters.letter import TOPIC

    return log.reader((TOPIC,))


def _wrong(name: str, value: str, reason: str) -> Exception:
    from twin.errors import SettingsError

    return SettingsError(name, value, reason)
