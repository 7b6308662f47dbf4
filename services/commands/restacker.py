"""`dermtwin restacker`: the re-stacker of a log, as a process of its own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.commands.mirror import WithParent
from services.commands.options import ModelChoice, environment_settings
from services.console import say


def restacker(
    scenario: Annotated[Path, typer.Option(help="Whose restack and drift hold.")],
    model: ModelChoice = None,
    with_parent: WithParent = False,
) -> None:
    """Decide at a log's epochs until Ctrl-C; `dermtwin up --scenario` starts one of its own.

    It needs KAFKA_BOOTSTRAP_SERVERS, and keeps nothing: it takes over what the log says was
    decided. One at a time.

    Example: KAFKA_BOOTSTRAP_SERVERS=localhost:9092 dermtwin restacker --scenario
    scenarios/recovery.yaml
    """
    from services.artefacts import ArtefactStore
    from services.child import end_with_parent
    from services.logs import open_log
    from services.serving import loop_to_serve, serve_epochs

    settings = environment_settings()
    if with_parent:
        end_with_parent()
    artefact = ArtefactStore(settings.home).load_or_latest(model)
    loop = loop_to_serve(scenario, artefact)
    serve_epochs(settings, artefact, loop, log=open_log(sys.stderr))
    say("the re-stacker is down")
