"""`dermtwin up`: servers, actors, worker and mirror stay up until Ctrl-C."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.options import Batch, Json, ModelChoice, environment_settings
from services.console import emit, say, two_columns

if TYPE_CHECKING:
    from twin.model import Model
    from twin.restacking.twin_loop import TwinLoop


def up(
    model: ModelChoice = None,
    scenario: Annotated[
        Path | None,
        typer.Option(
            help="Re-stack and watch for drift as this scenario says; nothing else of it is used.",
            show_default=False,
        ),
    ] = None,
    batch: Batch = 64,
    as_json: Json = False,
) -> None:
    """Bring the twin up and keep it up; Ctrl-C or SIGTERM takes everything down.

    Servers are embedded unless KAFKA_BOOTSTRAP_SERVERS and REDIS_URL name others. Without --model,
    the one saved last answers; where there is none yet, that of the scenario, or the one that
    scenarios/first-clinic.yaml uses, is trained first. With
    --scenario, labels that `dermtwin feedback` sends are heard, and `dermtwin stacks epoch` makes
    the re-stacker decide: a twin that is up has event time alone, so no clock does.

    Example: dermtwin up &  dermtwin status
    """
    from services.attach.loop_part import noted
    from services.commands.up_model import model_to_serve
    from services.commands.upfile import UpFile
    from services.live import ground, live_twin
    from services.logs import open_log
    from services.parts import parts_of

    settings = environment_settings()
    artefact = model_to_serve(model, scenario, settings)
    loop = None if scenario is None else _loop(scenario, artefact)
    stop = threading.Event()
    say(f"starting model {artefact.model_id}")
    with (
        ground(settings, parts_of(artefact)) as on,
        live_twin(
            on,
            prefix=settings.name,
            threshold=None,
            batch=batch,
            log=open_log(sys.stderr),
            loop=loop,
        ) as twin,
    ):
        addresses = {
            "kafka": twin.kafka,
            "redis": twin.redis,
            "prefix": twin.prefix,
            "model_id": artefact.model_id,
            "at_epochs": _at_epochs(loop),
            **noted(artefact, loop),
        }
        # Set now: Ray puts a handler of its own in place when it starts.
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with UpFile(settings.home).hold(addresses):
            emit(addresses, as_json=as_json, table=two_columns("dermtwin is up", addresses))
            say("Ctrl-C takes it down")
            while not stop.wait(0.2):
                twin.check()
    say("the twin is down")


def _loop(scenario: Path, artefact: "Model") -> "TwinLoop":
    """Return what a scenario says of the loop.

    Raises:
        SettingsError: it says nothing of it.
    """
    from services.commands.scenario_files import read_scenario
    from services.parts import loop_of
    from simulator.language.scenario import load
    from twin.errors import SettingsError

    loop = loop_of(load(read_scenario(scenario), str(scenario)), artefact)
    if loop is None or not loop.decides:
        reason = "has neither restack nor drift: leave the option out"
        raise SettingsError("--scenario", str(scenario), reason)
    return loop


def _at_epochs(loop: "TwinLoop | None") -> str:
    """Return what happens at epochs, for those who ask the twin that is up."""
    from services.live_log import NOTHING, RESTACKS, WATCHES

    if loop is None:
        return NOTHING
    drift = [] if loop.drift is None else [WATCHES]
    stacks = [] if loop.restack is None else [RESTACKS]
    return ", ".join((*drift, *stacks))
