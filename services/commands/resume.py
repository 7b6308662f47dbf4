"""`dermtwin resume`: carry on an experiment that was interrupted."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands.options import Json, Workers, environment_settings


def resume(
    folder: Annotated[Path, typer.Argument(help="Run folder.", show_default=False)],
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Carry on an experiment: replications that are done are kept, the others are run.

    The outcome, its digest included, is that of an experiment that was never interrupted.

    Example: dermtwin resume .dermtwin/runs/baseline-week-20260901-101500-3fa2
    """
    from services.commands.outcome import show
    from services.console import progress_bars
    from services.runs import resume as carry_on

    with progress_bars() as bars:
        summary = carry_on(folder, workers, environment_settings(), bars)
    if summary["kind"] == "detectors":
        from services.commands.detectors import tell

        tell(summary, as_json=as_json)
    else:
        show(summary, as_json=as_json)
