"""The API as a process: follows the mirror, and answers until it is asked to end."""

import asyncio
import gc
import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import uvicorn

from services.api.address import address_of, bind
from services.api.app import create_app
from services.api.context import ApiContext
from services.api.desk import open_desk
from services.api.idempotency import Idempotency
from services.api.live.follower import Follower
from services.api.live.history import History
from services.api.pictures.renderer import Renderer
from services.api.security.guards import add_guards, ensure_guarded
from services.api.security.patience import SERVER_OPTIONS, allow_connections
from services.api.telling.older import OlderCases
from services.api.telling.opening import telling_of
from services.asks.asker import Asker
from services.background import Background
from services.bus.port import Subscriber
from services.config import Settings
from services.dead_letters.book import LetterBook
from services.dead_letters.letter import TOPIC as DEAD_LETTERS
from services.logs import Log

GRACE_S = 3  # for answers under way when it is asked to end: assumption


def serve(
    settings: Settings,
    *,
    kafka: str,
    redis: str,
    prefix: str,
    model_id: str | None,
    host: str,
    port: int,
    log: Log,
    cors: tuple[str, ...] = (),
    scenarios: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the API until the process is told to end.

    Parameters:
        scenarios: folder of those that can be started by name; None: ./scenarios if it exists.
        told: is told the address once the socket listens.

    Raises:
        SettingsError: the address cannot be listened on, or would be open to everybody; or
            `scenarios` is no directory.
    """
    ensure_guarded(host, settings.home)
    desk = open_desk(settings, os.environ, log, scenarios=scenarios)
    listener = bind(host, port)
    allow_connections()
    history = History()
    context = ApiContext(
        settings=settings,
        prefix=prefix,
        kafka=kafka,
        redis=redis,
        log=log,
        history=history,
        model_id=model_id,
        idempotency=Idempotency(redis, prefix),
        pictures=Renderer.of(settings, redis, settings.name),
        asker=Asker(redis, prefix),
        desk=desk,
        letters=LetterBook(lambda: _letters_of(kafka, prefix)),
    )
    older = OlderCases(redis, prefix)
    context.older_case, context.older_case_then = older.read, older.read_then
    context.telling = telling_of(context)
    config_options = {
        **SERVER_OPTIONS,
        "loop": "uvloop",
        "log_config": None,
        "timeout_graceful_shutdown": GRACE_S,
        "timeout_keep_alive": 30,
        "backlog": 2048,
    }

    # A full collection goes through all that is kept, for a tenth of a second or more, and finds
    # nothing: changes hold no cycles. So it comes seldom.
    gc.set_threshold(20_000, 50, 100)
    # The thread that reads the mirror must not hold answers up for Python's usual 5 ms.
    sys.setswitchinterval(0.001)

    def follow() -> Callable[[], None]:
        follower = Follower(redis, prefix, history, asyncio.get_running_loop(), log)
        background = Background("follower", follower.run)
        return background.stop

    app = create_app(context, follow)
    guards = add_guards(
        app,
        home=settings.home,
        host=host,
        log=log,
        is_stream=lambda path: path == "/v1/events",
        cors=cors,
        on_exchange=lambda one: context.metrics.note(
            one.method, one.path, one.status, one.duration_ms / 1000
        ),
    )
    server = uvicorn.Server(uvicorn.Config(app, **config_options))
    context.is_closing = lambda: server.should_exit
    told(address_of(host, listener.getsockname()[1]))
    try:
        server.run(sockets=[listener])
    finally:
        guards.close()
        for one in (context.telling, context.pictures, context.asker, context.letters):
            if one is not None:
                one.close()
        listener.close()


def _letters_of(kafka: str, prefix: str) -> Subscriber:
    """Return a reader of the dead letters, from their beginning."""
    from services.bus.kafka_subscriber import KafkaSubscriber

    return KafkaSubscriber(kafka, prefix, (DEAD_LETTERS,), f"letters-{uuid.uuid4().hex[:8]}")
