"""`dermtwin refit`: new base learners from a run's labels, held against the stack in force."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.options import Json, environment_settings
from services.console import emit, progress_bars, say

if TYPE_CHECKING:
    from rich.console import Group


def refit(
    run: Annotated[
        str,
        typer.Argument(help="Run folder, its name, or an event log of it.", show_default=False),
    ],
    until: Annotated[
        str | None, typer.Option(help="Labels received before this time of the run, as 20d.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the artefact here as well; a new directory.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train new base learners on the original images and a run's labelled ones; promote nothing.

    A third of the labelled pictures is held out, and the new model is held against the stack in
    force on them, by the gate that re-stacking has. The model is kept whatever the gate says, its
    manifest names parent, run and verdict. `dermtwin run --model ID` uses it. Exit codes: 0 the
    gate passes, 3 it fails, 4 too few labels to say.

    Example: dermtwin refit my-run --until 20d
    """
    from services.lineage import find_log
    from services.refit import RefitOrder
    from services.refit import refit as make
    from twin.errors import SettingsError

    settings = environment_settings()
    order = RefitOrder(
        log=find_log(settings.home, run),
        until_min=_minutes(until),
        out=out,
    )
    if out is not None and out.exists():
        raise SettingsError("--out", str(out), "is there already and is not overwritten")
    with progress_bars() as bars:
        result = make(order, settings, bars)
    if not result["made_anew"]:
        say("the same refit was made before; nothing is trained again")
    emit(result, as_json=as_json, table=_table(result))
    raise typer.Exit(exit_code(result["refit"]["gate"]["verdict"]))


def exit_code(verdict: str) -> int:
    """Return the exit code of a gate's verdict."""
    from services.exits import Exit

    return {"pass": Exit.OK, "few": Exit.INCONCLUSIVE}.get(verdict, Exit.GATE_FAILED)


def _minutes(until: str | None) -> float:
    import math

    from simulator.quantities import QuantityError, parse_duration
    from twin.errors import SettingsError

    if until is None:
        return math.inf
    try:
        return parse_duration(until)
    except QuantityError as error:
        raise SettingsError("--until", until, str(error)) from error


def _table(result: dict[str, Any]) -> "Group":
    from rich.console import Group

    from services.commands.stacks_tables import gate_table
    from services.console import two_columns
    from twin.events import GateRow

    facts = result["refit"]
    rows = {
        "model": f"{result['model_id']} in {result['model_dir']}",
        "parent": f"{facts['parent']}, stack {facts['champion']}, of run {facts['run']}",
        "fitted to": f"{facts['original_images']} original images and {facts['copies']} copies of "
        f"{facts['fitted_cases']} labelled cases, by inverse-probability weight",
        "judged on": f"{facts['judged_cases']} held-out cases, "
        f"{facts['judged_malignant']} malignant",
        "left out": ", ".join(f"{n} {why}" for why, n in facts["left_out"].items() if n) or "none",
        "gate": f"{facts['gate']['verdict']}: {facts['gate']['reason']}",
        "margins from": facts["gate"]["plan_from"],
        "in force": f"no: `dermtwin run --model {result['model_id']}` uses it",
    }
    return Group(
        two_columns("", rows), gate_table([GateRow(**row) for row in facts["gate"]["rows"]])
    )
