"""`dermtwin run`: a scenario, with its replications, sweep and gates."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands.options import Batch, Json, ModelChoice, Set, Workers, environment_settings

Route = Annotated[str, typer.Option(help="kafka (servers, Ray, mirror), ray, or inprocess.")]
Out = Annotated[Path | None, typer.Option(help="Run folder; a new one if not given.")]


def run(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (YAML).", show_default=False)],
    route: Route = "kafka",
    batch: Batch = 64,
    model: ModelChoice = None,
    overrides: Set = None,
    workers: Workers = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Run a scenario; print its answers and gates, and where its report and files are.

    The digest is that of all that happened: the same scenario, seed and model give the same digest
    on every route, with every batch size, and on any number of cores.

    Exit codes: 0 gates pass, 3 a gate fails, 4 a gate is inconclusive, 2 the scenario is not
    valid, 1 error. After Ctrl-C (130) dermtwin resume carries on.

    Examples: dermtwin run scenarios/first-clinic.yaml --route inprocess --batch 16

    dermtwin run scenarios/baseline-week.yaml --set staff.dermatologist.count=2
    """
    from services.commands.outcome import read_scenario, show
    from services.console import progress_bars
    from services.runs import RunOrder, run_scenario
    from twin.errors import SettingsError

    if route not in ("kafka", "ray", "inprocess"):
        raise SettingsError("--route", route, "expected kafka, ray or inprocess")
    settings = environment_settings()
    order = RunOrder(
        text=read_scenario(scenario),
        source=str(scenario),
        route=route,
        batch=batch,
        model=model,
        out=out,
        overrides=tuple(overrides or ()),
        workers=workers,
    )
    with progress_bars() as bars:
        summary = run_scenario(order, settings, bars)
    show(summary, as_json=as_json)
