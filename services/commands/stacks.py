"""`dermtwin stacks`: which stacks a run had, how they differ, and why each was promoted or not."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.options import Json, environment_settings
from services.console import emit

if TYPE_CHECKING:
    from services.lineage import RunLog
    from twin.events import Event, VerdictIssued
    from twin.restacking.lineage import Lineage

stacks = typer.Typer(
    no_args_is_help=True, help="Stack versions of a run: list, show, compare and explain them."
)
_RUN = "RUN is a run folder, its name, or one of its event logs; the latest run if not given."
Live = Annotated[
    bool, typer.Option("--live", help="Of the twin that is up, instead of a run's log.")
]


@stacks.command("list")
def list_(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help=_RUN, show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Rejections and waits as well.")
    ] = False,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Print the versions of the stack in a table: when, from what, by which remedy, and why.

    Exit codes: 0 printed, 1 no such run, nothing re-stacked in it, or its log was altered.

    Example: dermtwin stacks list --all
    """
    from services.commands.stacks_tables import list_result, list_table

    lineage, _ = _lineage(run, live)
    result = list_result(lineage, everything=everything)
    emit(result, as_json=as_json, table=list_table(result))


@stacks.command()
def show(
    words: Annotated[
        list[str], typer.Argument(metavar="[RUN] VERSION", help=_RUN, show_default=False)
    ],
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Print a version: weights, threshold, label window, gate, and its digest, checked.

    Example: dermtwin stacks show 2
    """
    from services.commands.stacks_tables import show_result, show_table

    run, (version,) = _split(words, "VERSION")
    lineage, _ = _lineage(run, live)
    result = show_result(lineage, version)
    emit(result, as_json=as_json, table=show_table(result))


@stacks.command()
def diff(
    words: Annotated[list[str], typer.Argument(metavar="[RUN] A B", help=_RUN, show_default=False)],
    most: Annotated[int, typer.Option(min=0, help="Most changed cases to print.")] = 10,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Print how two versions differ, and which cases of the run B calls otherwise than A.

    Cases are called again from the learners' scores on the log: no image is looked at.

    Example: dermtwin stacks diff 0 2 --most 5
    """
    from services.commands.stacks_tables import diff_result, diff_table
    from twin.restacking.comparison import compare

    run, (a, b) = _split(words, "A", "B")
    lineage, log = _lineage(run, live)
    first, second = lineage.stack(a), lineage.stack(b)
    cases = None if log is None else compare(first, second, _verdicts(log.events()), most)
    if cases is not None and not cases.cases:
        cases = None
    result = diff_result(lineage, a, b, cases)
    emit(result, as_json=as_json, table=diff_table(result))


@stacks.command()
def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN] VERSION", help=_RUN, show_default=False),
    ] = None,
    epoch: Annotated[
        int | None, typer.Option(min=0, help="Explain what this epoch decided instead.")
    ] = None,
    case: Annotated[
        str | None, typer.Option(metavar="ID", help="Explain the answer to this case instead.")
    ] = None,
    live: Live = False,
    as_json: Json = False,
) -> None:
    """Say in words why a version was promoted, or what an epoch decided; or explain one answer.

    Examples: dermtwin stacks explain 2; dermtwin stacks explain --epoch 7;
    dermtwin stacks explain --case r0-c000041
    """
    given = list(words or ())
    if epoch is not None and case is not None:
        raise _wrong("--case", case, "is another question than --epoch")
    if case is not None:
        run, _ = _split(given)
        _explain_case(run, case, live, as_json)
        return
    from services.stack_words import explanation, word

    run, numbers = _split(given, *(() if epoch is not None else ("VERSION",)))
    lineage, _ = _lineage(run, live)
    event = lineage.version(numbers[0]) if epoch is None else lineage.at_epoch(epoch)
    sentences = explanation(event)
    result: dict[str, Any] = {
        "log": lineage.source,
        "epoch": event.epoch,
        "version": event.version,
        "decision": word(event),
        "words": sentences,
    }
    emit(result, as_json=as_json, table="\n".join(sentences))


def _explain_case(run: str | None, case: str, live: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from services.commands.stacks_tables import case_table
    from twin.errors import DataError, InvariantError
    from twin.events import CaseRejected, VerdictIssued
    from twin.restacking.comparison import explain as explain_case

    lineage, log = _lineage(run, live)
    if log is None:
        raise _wrong("--case", case, "needs the log of a run; --live reads stacks alone")
    kinds = (VerdictIssued, CaseRejected)
    answers = [one for one in log.events() if isinstance(one, kinds) and one.case_id == case]
    if not answers:
        raise DataError(lineage.source, f"holds no answer to case {case}")
    answer = answers[0]
    if isinstance(answer, CaseRejected):
        raise DataError(lineage.source, f"case {case} was not scored: {answer.reason}")
    try:
        found = asdict(explain_case(answer, lineage.stack(answer.stack)))
    except InvariantError as error:
        raise DataError(lineage.source, f"the log was altered: {error}") from error
    result = {"log": lineage.source, **found}
    emit(result, as_json=as_json, table=case_table(result))


@stacks.command()
def rollback(
    version: Annotated[
        int, typer.Argument(min=0, help="Whose weights come back.", show_default=False)
    ],
    reason: Annotated[str, typer.Option(help="Why, in words; it is on the log.")] = "none given",
    by: Annotated[
        str | None, typer.Option(help="Who orders it.", show_default="your user name")
    ] = None,
    as_json: Json = False,
) -> None:
    """Order the twin that is up to bring an earlier version back, at its next epoch.

    For a run, which is over when it is read, say it in the scenario: restack: {orders: [...]}.
    Exit codes: 0 ordered, 1 no twin is up or it has no such version, 2 it does not re-stack.

    Example: dermtwin stacks rollback 2 --reason "misses thin melanomas"
    """
    import getpass

    from services.console import two_columns
    from services.live_log import live_log
    from services.live_orders import send_order

    who = by or getpass.getuser()
    with live_log(environment_settings()) as log:
        order, in_force = send_order(log, version, who, reason)
    result = {
        "order_id": order.order_id,
        "version": version,
        "in_force": in_force,
        "at_min": order.at_min,
        "by": who,
        "reason": reason,
    }
    rows = {
        "order": f"{order.order_id}: version {version} is to come back, says {who}: {reason}",
        "now": f"version {in_force} stays in force until the next epoch carries it out",
    }
    emit(result, as_json=as_json, table=two_columns("", rows))


@stacks.command()
def epoch(as_json: Json = False) -> None:
    """Reach an epoch of the twin that is up: its re-stacker decides on all that is on the log.

    Exit codes: 0 reached, 1 no twin is up, 2 it does not re-stack, or has not decided the last.

    Example: dermtwin stacks epoch
    """
    from dataclasses import asdict

    from services.console import two_columns
    from services.live_log import live_log
    from services.live_orders import send_epoch
    from services.stack_words import day

    with live_log(environment_settings()) as log:
        event = send_epoch(log)
    rows = {
        "epoch": f"{event.epoch}, at {day(event.at_min)}",
        "on the log": f"{event.cases} cases, {event.feedback} labels",
        "decision": "dermtwin stacks list --live --all",
    }
    emit(asdict(event), as_json=as_json, table=two_columns("", rows))


def _verdicts(events: "Iterable[Event]") -> "Iterable[VerdictIssued]":
    from twin.events import VerdictIssued

    return (one for one in events if isinstance(one, VerdictIssued))


def _lineage(run: str | None, live: bool) -> "tuple[Lineage, RunLog | None]":
    """Return the lineage asked for, and the log of a run where it is from one."""
    from services.lineage import find_log, live_events
    from twin.restacking.lineage import lineage_of

    settings = environment_settings()
    if not live:
        log = find_log(settings.home, run)
        return log.lineage(), log
    if run is not None:
        raise _wrong("--live", run, "reads the twin that is up: name no run beside it")
    source, events = live_events(settings)
    return lineage_of(events, source), None


def _split(words: list[str], *names: str) -> tuple[str | None, list[int]]:
    """Return the run, if one is named, and the numbers after it."""
    expected = " ".join(("[RUN]", *names))
    if not len(names) <= len(words) <= len(names) + 1:
        raise _wrong("arguments", " ".join(words), f"expected {expected}")
    run = words[0] if len(words) > len(names) else None
    numbers = []
    for name, text in zip(names, words[len(words) - len(names) :], strict=True):
        if not text.isdecimal():
            raise _wrong(name, text, "expected the number of a version, from 0")
        numbers.append(int(text))
    return run, numbers


def _wrong(name: str, value: str, reason: str) -> Exception:
    from twin.errors import SettingsError

    return SettingsError(name, value, reason)
