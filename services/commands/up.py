"""`dermtwin up`: servers, actors, worker and mirror stay up until Ctrl-C."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.commands.api import PORT, Cors, Host, Scenarios
from services.commands.options import Batch, Json, ModelChoice, environment_settings
from services.console import emit, say, two_columns

UpPort = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=0,
        max=65535,
        help=f"Port of page and API; {PORT} or, if it is taken, a free one.",
        show_default=False,
    ),
]

if TYPE_CHECKING:
    from services.background import Background
    from services.config import Settings
    from services.live import Ground, LiveTwin
    from services.logs import Log
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
    host: Host = "127.0.0.1",
    port: UpPort = None,
    cors: Cors = None,
    scenarios: Scenarios = None,
    no_api: Annotated[bool, typer.Option("--no-api", help="Serve no API and no page.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the twin up, with its API and page, and keep it up; Ctrl-C or SIGTERM ends it all.

    Servers are embedded unless KAFKA_BOOTSTRAP_SERVERS and REDIS_URL name others. Without --model,
    the one saved last answers; on a fresh machine one is trained first: that of --scenario, or the
    one that scenarios/first-clinic.yaml uses.

    With --scenario, labels that come in are heard, and `dermtwin stacks epoch` makes the re-stacker
    decide: a twin that is up has event time alone, so no clock does.

    Mirror, API and an embedded Redis are started again when they end: the log has what they had.

    Examples: dermtwin up &  dermtwin run scenarios/baseline-week.yaml --attach

    dermtwin up --port 0 --json
    """
    from services.api.address import address_of
    from services.attach.loop_part import noted
    from services.attendants import Attendants
    from services.commands.up_model import model_to_serve
    from services.live import ground, live_twin
    from services.logs import open_log
    from services.parts import parts_of
    from services.upfile import UpFile

    settings = environment_settings()
    artefact = model_to_serve(model, scenario, settings)
    loop = None if scenario is None else _loop(scenario, artefact)
    stop, log = threading.Event(), open_log(sys.stderr)
    place, arguments = (None, None) if no_api else _place(settings, host, port, cors)
    if arguments is not None and scenarios is not None:
        arguments += ["--scenarios", str(scenarios.resolve())]
    say(f"starting model {artefact.model_id}")
    with (
        ground(settings, parts_of(artefact), apart=True) as on,
        live_twin(
            on,
            prefix=settings.name,
            threshold=None,
            batch=batch,
            log=log,
            loop=loop,
            mirrored=False,
        ) as twin,
    ):
        addresses = {
            "kafka": twin.kafka,
            "redis": twin.redis,
            "prefix": twin.prefix,
            "model_id": artefact.model_id,
            "at_epochs": _at_epochs(loop),
            **({} if place is None else {"api": address_of(*place)}),
            **noted(artefact, loop),
        }
        if loop is None:
            _announce(twin, artefact)
        twin.loops.append(_explains(on, twin, artefact, log))
        attendants = Attendants(
            settings,
            kafka=twin.kafka,
            redis=twin.redis,
            prefix=twin.prefix,
            model_id=artefact.model_id,
            api=arguments,
            store=on.store,
            tell=on.watch,
            log=log,
        )
        # Set now: Ray puts a handler of its own in place when it starts.
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with UpFile(settings.home).hold(addresses):
            attendants.start()
            try:
                address = None if place is None else address_of(*place)
                attendants.await_ready(lambda: bool(twin.mirror.position()), address)
                emit(addresses, as_json=as_json, table=two_columns("dermtwin is up", addresses))
                say("Ctrl-C takes it down")
                while not stop.wait(0.1):
                    twin.check()
                    attendants.check()
            finally:
                attendants.stop()
    say("the twin is down")


def _place(
    settings: "Settings", host: str, port: int | None, cors: list[str] | None
) -> tuple[tuple[str, int], list[str]]:
    """Return where the API will be, and what its command is to be told.

    Raises:
        SettingsError: the address cannot be listened on, or would be open to everybody.
    """
    from services.api.address import bind
    from services.api.security.origins import is_loopback
    from twin.errors import SettingsError

    if not is_loopback(host):
        from services.api.security.guards import ensure_guarded  # FastAPI takes a second

        ensure_guarded(host, settings.home)
    # Found out now, and not by a process that dies again and again.
    try:
        listener = bind(host, PORT if port is None else port)
    except SettingsError:
        if port is not None:
            raise
        listener = bind(host, 0)
        say(f"port {PORT} is taken: the API takes a free one")
    with listener:
        port = listener.getsockname()[1]
    arguments = ["--host", host, "--port", str(port)]
    for origin in cors or ():
        arguments += ["--cors", origin]
    return (host, port), arguments


def _announce(twin: "LiveTwin", artefact: "Model") -> None:
    """Put the model's own stack on the log, where the page and the API read its weights."""
    from twin.model import META, meta_of
    from twin.restacking.decision import announced
    from twin.stacks import StackVersion

    own = meta_of(artefact.part(META))
    base = StackVersion(number=0, meta=own, threshold=artefact.threshold)
    publisher = twin.publisher()
    publisher.publish(announced(base, artefact.model_id))
    publisher.flush()


def _explains(on: "Ground", twin: "LiveTwin", artefact: "Model", log: "Log") -> "Background":
    """Start the loop that answers who asks for explanations; the twin checks and stops it."""
    from services.asks.loop import asks_loop
    from services.background import Background
    from twin.model import META, meta_of

    own = meta_of(artefact.part(META))
    run = asks_loop(
        twin.redis, twin.prefix, on.system, model_id=artefact.model_id, own=own, log=log
    )
    return Background("asks", run)


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
