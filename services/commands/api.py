"""`dermtwin api`: the status API and its page, as a process of its own."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from services.commands.mirror import WithParent
from services.commands.options import environment_settings
from services.console import say

PORT: Final = 8765
Host = Annotated[
    str,
    typer.Option(help="Address to listen on; beyond this machine, keys are needed."),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]
Cors = Annotated[
    list[str] | None,
    typer.Option(help="Origin whose pages may ask, as https://board.example; may be repeated."),
]
Scenarios = Annotated[
    Path | None,
    typer.Option(help="Folder of scenarios that can be started; ./scenarios if it exists."),
]


def api(
    host: Host = "127.0.0.1",
    port: Port = PORT,
    cors: Cors = None,
    scenarios: Scenarios = None,
    model_id: Annotated[str | None, typer.Option(hidden=True)] = None,
    with_parent: WithParent = False,
) -> None:
    """Serve status API and page over the mirror in Redis until Ctrl-C; `dermtwin up` starts one.

    It needs REDIS_URL, and KAFKA_BOOTSTRAP_SERVERS for what is sent in; without them, it takes
    those of the twin that is up in the same DERMTWIN_HOME. On loopback nobody needs a key;
    `dermtwin keys create` makes those that others need.

    Example: dermtwin api --host 0.0.0.0 --port 8443
    """
    from services.api.serve import serve
    from services.child import end_with_parent
    from services.logs import open_log
    from services.upfile import UpFile
    from twin.errors import DependencyError

    settings = environment_settings()
    note = UpFile(settings.home).read() or {}
    kafka, redis = settings.kafka or note.get("kafka"), settings.redis or note.get("redis")
    if kafka is None or redis is None:
        raise DependencyError(
            "no twin is up: start one with `dermtwin up`, or set KAFKA_BOOTSTRAP_SERVERS and"
            " REDIS_URL"
        )
    if with_parent:
        end_with_parent()
    serve(
        settings,
        kafka=kafka,
        redis=redis,
        prefix=note.get("prefix", settings.name),
        model_id=model_id or note.get("model_id"),
        host=host,
        port=port,
        cors=tuple(cors or ()),
        scenarios=scenarios,
        log=open_log(sys.stderr),
        told=lambda address: say(f"API and page: {address}"),
    )
