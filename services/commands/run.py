"""`dermtwin run`: stream a scenario through the twin."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands.options import Batch, Json, ModelChoice, environment_settings
from services.console import emit, progress_bars, say


def run(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    route: Annotated[
        str, typer.Option(help="kafka (servers, Ray, mirror), ray, or inprocess.")
    ] = "kafka",
    batch: Batch = 64,
    model: ModelChoice = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; a new one if not given.")] = None,
    as_json: Json = False,
) -> None:
    """Run a scenario; print its figures and where its files are.

    The digest is that of the event log: the same scenario, seed and model give the same digest
    on every route and with every batch size.

    Example: dermtwin run scenarios/first-clinic.yaml --route inprocess --batch 16
    """
    from services.commands.tables import run_table
    from services.runs import RunOrder, run_scenario
    from twin.errors import ScenarioError, SettingsError

    if route not in ("kafka", "ray", "inprocess"):
        raise SettingsError("--route", route, "expected kafka, ray or inprocess")
    settings = environment_settings()
    try:
        text = scenario.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(str(scenario), 0, "", f"cannot be read: {error}") from error
    order = RunOrder(
        text=text, source=str(scenario), route=route, batch=batch, model=model, out=out
    )
    with progress_bars() as bars:
        summary = run_scenario(order, settings, bars)
    for complaint in summary["degraded"]:
        say(f"degraded: {complaint}")
    emit(summary, as_json=as_json, table=run_table(summary))
