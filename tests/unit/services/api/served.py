"""The real application on a socket, with a mirror of a log in memory: no Kafka and no actors."""

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from told_twin import TOPICS, verdict_of

from services.api.app import create_app
from services.api.context import ApiContext
from services.api.desk import Desk
from services.api.idempotency import Idempotency
from services.api.live.follower import Follower
from services.api.live.history import History
from services.api.security.guards import add_guards
from services.api.security.limits import Limits, Rate
from services.api.security.patience import SERVER_OPTIONS
from services.api.serve import address_of, bind
from services.api.teller import Teller
from services.api.telling.older import OlderCases
from services.api.telling.telling import Telling
from services.background import Background
from services.bus.memory import MemoryBus
from services.config import Settings
from services.dead_letters.book import LetterBook
from services.dead_letters.letter import TOPIC as DEAD_LETTERS
from services.image_store import MemoryBlobs
from services.live_log import RESTACKS
from services.logs import open_log
from services.mirror.loop import Mirror
from services.mirror.records import record_of
from services.mirror.redis_mirror import RedisMirror
from twin.events import CaseArrived

_MANY = Rate(per_s=1e6, burst=1e6)


@contextmanager
def mirrored(redis_url: str, prefix: str, bus: MemoryBus, delay_s: float = 0.0) -> Iterator[Mirror]:
    """Keep a mirror of a log in memory, in a thread."""
    mirror = RedisMirror(redis_url, prefix)
    loop = Mirror(bus.subscriber((*TOPICS, "components"), "mirror"), mirror, delay_s=delay_s)
    background = Background("mirror", loop.run)
    try:
        yield loop
    finally:
        background.stop()
        mirror.close()


@contextmanager
def answering(bus: MemoryBus) -> Iterator[None]:
    """Answer every case, in a thread."""
    cases, answers = bus.subscriber(("cases",), "worker"), bus.publisher()

    def answer(stop: threading.Event) -> None:
        while not stop.is_set():
            for record in map(record_of, cases.poll(10, 0.02)):
                if isinstance(record.event, CaseArrived):
                    answers.publish(verdict_of(record.event))

    background = Background("worker", answer)
    try:
        yield
    finally:
        background.stop()


@contextmanager
def serving(
    redis_url: str,
    prefix: str,
    home: Path,
    bus: MemoryBus,
    *,
    desk: Desk | None = None,
    is_closing: Callable[[], bool] | None = None,
) -> Iterator[tuple[str, ApiContext]]:
    """Serve the application from a thread; gives its address."""
    log, history = open_log(io.StringIO()), History()
    context = ApiContext(
        settings=Settings(home=home, name=prefix, redis=redis_url),
        prefix=prefix,
        kafka="",
        redis=redis_url,
        log=log,
        history=history,
        model_id="abcdef012345",
        idempotency=Idempotency(redis_url, prefix),
        desk=desk,
        letters=LetterBook(lambda: bus.subscriber((DEAD_LETTERS,), "letters")),
    )
    older = OlderCases(redis_url, prefix)
    context.older_case, context.older_case_then = older.read, older.read_then
    context.telling = Telling(
        prefix=prefix,
        known=history,
        teller=Teller(bus.publisher),
        blobs=MemoryBlobs(),
        idempotency=Idempotency(redis_url, prefix),
        older=older.read,
        loop=lambda: RESTACKS,
    )

    def follow() -> Callable[[], None]:
        follower = Follower(redis_url, prefix, history, asyncio.get_running_loop(), log)
        return Background("follower", follower.run).stop

    app = create_app(context, follow)
    guards = add_guards(
        app,
        home=home,
        host="127.0.0.1",
        log=log,
        is_stream=lambda path: path == "/v1/events",
        limits=Limits(reads=_MANY, submissions=_MANY, failures=_MANY),
    )
    listener = bind("127.0.0.1", 0)
    config = uvicorn.Config(
        app, **SERVER_OPTIONS, loop="uvloop", log_config=None, timeout_graceful_shutdown=3
    )
    server = uvicorn.Server(config)
    context.is_closing = is_closing or (lambda: server.should_exit)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield address_of("127.0.0.1", listener.getsockname()[1]), context
    finally:
        server.should_exit = True
        thread.join(10)
        guards.close()
        context.telling.close()
        listener.close()
