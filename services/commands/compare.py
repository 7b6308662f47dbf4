"""`dermtwin compare`: two or more scenarios on the same random numbers."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands.options import Batch, Json, ModelChoice, Set, Workers, environment_settings
from services.commands.run import Out, Route


def compare(
    base: Annotated[Path, typer.Argument(help="Scenario to compare with.", show_default=False)],
    others: Annotated[list[Path], typer.Argument(help="Scenarios to compare.", show_default=False)],
    route: Route = "kafka",
    batch: Batch = 64,
    model: ModelChoice = None,
    overrides: Set = None,
    workers: Workers = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Run scenarios on common random numbers; print paired differences from the first.

    The same patients come, with the same needs, so that what differs is what the scenarios differ
    in. All need the same seed and as many replications as one another for tight intervals.

    Example: dermtwin compare scenarios/baseline-week.yaml scenarios/reader-on-leave.yaml
    """
    from services.commands.outcome import show
    from services.commands.scenario_files import read_scenario
    from services.console import progress_bars
    from services.runs import RunOrder, compare_scenarios

    files = [base, *others]
    texts = [(read_scenario(file), str(file)) for file in files]
    settings = environment_settings()
    order = RunOrder(
        text=texts[0][0],
        source=str(base),
        route=route,
        batch=batch,
        model=model,
        out=out,
        overrides=tuple(overrides or ()),
        workers=workers,
    )
    with progress_bars() as bars:
        summary = compare_scenarios(texts, order, settings, bars)
    show(summary, as_json=as_json)
