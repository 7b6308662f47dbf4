"""A twin for the length of a run: servers, Ray actors, worker and mirror in this process.

One that stays up has processes for them: `services/deployment.py`.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from actors.parts import Parts
from actors.system import ActorSystem
from services.background import Background
from services.bus.port import Publisher, Subscriber
from services.bus.topics import MIRRORED, TOPICS
from services.config import Settings
from services.dead_letters.keeper import Letters
from services.embedded.servers import EmbeddedServers
from services.image_store import ImageStore
from services.logs import Log
from services.mirror.judge import Judge
from services.mirror.loop import Mirror
from services.mirror.records import record_of
from services.ray_stack import ray_stack
from services.restacker import RestackerLoop
from services.stages import open_restacker, open_worker
from services.watch import Watch
from services.worker import Worker
from twin.errors import DependencyError
from twin.lifecycle import ComponentState
from twin.restacking.twin_loop import TwinLoop
from twin.state import Record, TwinState, fold

if TYPE_CHECKING:
    from services.mirror.redis_mirror import RedisMirror

_SETTLE_TIMEOUT_S: Final = 60.0


@dataclass(slots=True, kw_only=True)
class LiveTwin:
    """A twin that is up. Addresses are those in use, embedded or not."""

    kafka: str
    redis: str
    prefix: str  # of topics and keys
    watch: Watch
    worker: Worker
    restacker: RestackerLoop | None  # None where nothing happens at epochs
    mirror: "RedisMirror"
    loops: list[Background]
    servers: Sequence[EmbeddedServers]  # those that are ours
    clients: ExitStack  # closes what was made for the twin's users
    lag: Callable[[], int]  # records that the mirror has not folded yet

    def check(self) -> None:
        """Raise what ended a server or a loop of ours, if one of them failed."""
        for server in self.servers:
            server.check()
        for loop in self.loops:
            loop.check()

    def publisher(self) -> Publisher:
        """Return a new publisher to the twin's topics; it is closed with the twin."""
        from services.bus.kafka_publisher import KafkaPublisher

        publisher = KafkaPublisher(self.kafka, self.prefix)
        self.clients.callback(publisher.close)
        return publisher

    def subscriber(self, *topics: str) -> Subscriber:
        """Return a new subscriber from the topics' beginning; it is closed with the twin."""
        from services.bus.kafka_subscriber import KafkaSubscriber

        group = f"reader-{uuid.uuid4().hex[:8]}"
        subscriber = KafkaSubscriber(self.kafka, self.prefix, topics, group)
        self.clients.callback(subscriber.close)
        return subscriber

    def settle(self) -> None:
        """Wait until the mirror has folded all that is on the log.

        Raises:
            DependencyError: it has not within a minute.
        """
        deadline_s = time.monotonic() + _SETTLE_TIMEOUT_S
        while (behind := self._behind()) != "":
            self.check()
            if time.monotonic() > deadline_s:
                raise DependencyError(f"the mirror is not up to date: {behind}")
            time.sleep(0.01)

    def _behind(self) -> str:
        """Return in words what the mirror has not folded; nothing where there is nothing."""
        try:
            behind = self.lag()
        except DependencyError as error:  # a server is away, and may come back
            return str(error)
        return f"it is {behind} records behind" if behind > 0 else ""

    def fold_log(self) -> tuple[list[Record], TwinState]:
        """Read the whole log back from Kafka; return its records and the state they fold to."""
        reader = self.subscriber(*MIRRORED)
        records: list[Record] = []
        while sum(reader.lag().values()) > 0:
            records += [record_of(message) for message in reader.poll(1000, 0.5)]
        return records, fold(records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a twin stands on, and what outlives its log: servers, and the stack's actors."""

    kafka: str
    redis: str
    servers: Sequence[EmbeddedServers]  # those that are ours
    watch: Watch
    system: ActorSystem


@contextmanager
def ground(settings: Settings, parts: Parts) -> Iterator[Ground]:
    """Start servers and actors, and take down all that was started, however the block ends."""
    with ExitStack() as stack:
        kafka, redis = settings.kafka, settings.redis
        servers: list[EmbeddedServers] = []
        if kafka is None or redis is None:
            ours = stack.enter_context(EmbeddedServers(kafka=kafka is None, redis=redis is None))
            servers.append(ours)
            kafka = kafka or ours.bootstrap_servers
            redis = redis or ours.redis_url
        # Uploads are kept in the Redis that the mirror uses, embedded or not.
        reader = ImageStore.of(settings.model_copy(update={"redis": redis}))
        watch = Watch()
        system = stack.enter_context(ray_stack(settings, parts, reader, watch))
        yield Ground(kafka=kafka, redis=redis, servers=servers, watch=watch, system=system)


@contextmanager
def live_twin(
    on: Ground,
    *,
    prefix: str,
    threshold: float | None,
    batch: int,
    log: Log,
    loop: TwinLoop | None = None,
) -> Iterator[LiveTwin]:
    """Bring a twin with a log of its own up, and take it down, however the block ends.

    Parameters:
        on: servers and actors; they serve one twin after another.
        loop: what happens to the stack; None where the model's own answers all cases. It brings
            its own operating point.
    """
    kafka, redis, watch, system = on.kafka, on.redis, on.watch, on.system
    with ExitStack() as stack:
        # Imported now, while the actors load: the stem need not wait for that.
        from services.bus.kafka_publisher import KafkaPublisher
        from services.bus.kafka_subscriber import KafkaSubscriber
        from services.bus.kafka_topics import ensure_topics
        from services.mirror.redis_mirror import RedisMirror

        ensure_topics(kafka, prefix, TOPICS)
        telling = KafkaPublisher(kafka, prefix)
        stack.callback(telling.close)
        watch.pass_on(telling.publish)
        worker = open_worker(
            system,
            kafka,
            prefix,
            threshold=threshold,
            loop=loop,
            batch=batch,
            log=log,
            clients=stack,
        )
        mirror = RedisMirror(redis, prefix)
        stack.callback(mirror.close)
        whole_log = KafkaSubscriber(kafka, prefix, MIRRORED, "mirror")
        stack.callback(whole_log.close)
        letters = KafkaPublisher(kafka, prefix)
        stack.callback(letters.close)
        mirror_loop = Mirror(whole_log, mirror, judge=Judge(Letters(letters, "mirror", log)))

        def serve(stop: threading.Event) -> None:
            worker.beats.tell(ComponentState.STARTING, "waits for the components")
            system.supervisor.await_ready()
            worker.run(stop)

        loops = [Background("worker", serve), Background("mirror", mirror_loop.run)]
        restacker = None
        if loop is not None and loop.decides:
            restacker = open_restacker(loop, system.model_id, kafka, prefix, log=log, clients=stack)
            loops.append(Background("restacker", restacker.run))
        with ExitStack() as clients:
            twin = LiveTwin(
                kafka=kafka,
                redis=redis,
                prefix=prefix,
                watch=watch,
                worker=worker,
                restacker=restacker,
                mirror=mirror,
                loops=loops,
                servers=on.servers,
                clients=clients,
                lag=mirror_loop.lag,
            )
            try:
                yield twin
            finally:
                watch.forward = None
                for one in loops:
                    one.stop()
