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
    from services.config import Settings
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
    workers: Annotated[int, typer.Option(min=1, help="How many share the cases.")] = 1,
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

    Workers, re-stacker, mirror, API and an embedded Redis are started again when they end: the log
    has what they had.

    Examples: dermtwin up &  dermtwin run scenarios/baseline-week.yaml --attach

    dermtwin up --port 0 --json
    """
    from services.api.address import address_of
    from services.attach.loop_part import noted
    from services.commands.up_model import model_to_serve
    from services.deployment import deployment
    from services.logs import open_log
    from services.serving import loop_to_serve
    from services.upfile import UpFile

    settings = environment_settings()
    note = UpFile(settings.home)
    note.ensure_free()
    artefact = model_to_serve(model, scenario, settings)
    loop = None if scenario is None else loop_to_serve(scenario, artefact)
    stop, log = threading.Event(), open_log(sys.stderr)
    place, arguments = (None, None) if no_api else _place(settings, host, port, cors)
    if arguments is not None and scenarios is not None:
        arguments += ["--scenarios", str(scenarios.resolve())]
    say(f"starting model {artefact.model_id}")
    with deployment(
        settings,
        artefact,
        scenario=scenario,
        batch=batch,
        workers=workers,
        api=arguments,
        log=log,
    ) as twin:
        addresses = {
            "kafka": twin.kafka,
            "redis": twin.redis,
            "prefix": twin.prefix,
            "model_id": artefact.model_id,
            "at_epochs": _at_epochs(loop),
            **({} if place is None else {"api": address_of(*place)}),
            **noted(artefact, loop),
        }
        # Set now: Ray puts a handler of its own in place when it starts.
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with note.hold(addresses):
            twin.await_ready()
            emit(addresses, as_json=as_json, table=two_columns("dermtwin is up", addresses))
            say("Ctrl-C takes it down")
            while not stop.wait(0.1):
                twin.check()
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


def _at_epochs(loop: "TwinLoop | None") -> str:
    """Return what happens at epochs, for those who ask the twin that is up."""
    from services.live_log import NOTHING, RESTACKS, WATCHES

    if loop is None:
        return NOTHING
    drift = [] if loop.drift is None else [WATCHES]
    stacks = [] if loop.restack is None else [RESTACKS]
    return ", ".join((*drift, *stacks))
