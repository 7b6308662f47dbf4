"""`dermtwin worker`: a worker with actors of its own, as a process of its own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.commands.mirror import WithParent
from services.commands.options import Batch, ModelChoice, environment_settings
from services.console import say

LoopScenario = Annotated[
    Path | None,
    typer.Option(
        "--scenario",
        help="Whose restack, drift and faults hold; nothing else of it is used.",
        show_default=False,
    ),
]
Share = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Read every N-th partition, from the I-th; without, the broker shares them out.",
        show_default=False,
    ),
]


Name = Annotated[
    str | None,
    typer.Option(
        help="What it is called in the status; by default after the machine.",
        show_default=False,
    ),
]


def worker(
    model: ModelChoice = None,
    scenario: LoopScenario = None,
    batch: Batch = 64,
    share: Share = None,
    name: Name = None,
    with_parent: WithParent = False,
) -> None:
    """Answer a twin's cases until Ctrl-C; `dermtwin up` starts workers of its own.

    Several share the cases: start as many as you like, on one machine or on many, and end them when
    you like. It needs KAFKA_BOOTSTRAP_SERVERS; its actors are on the Ray of RAY_ADDRESS, or on one
    that it starts. Without --model, the one saved last answers.

    Example: KAFKA_BOOTSTRAP_SERVERS=localhost:9092 dermtwin worker --model abc123
    """
    from services.artefacts import ArtefactStore
    from services.child import end_with_parent
    from services.logs import open_log
    from services.serving import loop_to_serve, place_of, serve_cases

    settings = environment_settings()
    place = place_of(share, name)
    if with_parent:
        end_with_parent()
    artefact = ArtefactStore(settings.home).load_or_latest(model)
    loop = None if scenario is None else loop_to_serve(scenario, artefact)
    serve_cases(settings, artefact, loop, place, batch=batch, log=open_log(sys.stderr))
    say(f"{place.name} is down")
