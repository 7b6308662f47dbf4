"""A twin that stays up, all of it on this machine: `dermtwin up` and `dermtwin stress` use it.

This process has Ray's head, the guards of embedded servers and the explainer; workers, re-stacker,
mirror and API are processes of their own, which may die and are started again.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, TextIO

from services.attendants import Attendants
from services.background import Background
from services.bus.port import Publisher, Subscriber
from services.bus.topics import TOPICS
from services.component_news import ComponentNews
from services.config import Settings
from services.embedded.servers import EmbeddedServers
from services.image_store import ImageStore
from services.logs import Log
from services.parts import parts_of
from services.watch import Watch
from twin.errors import DependencyError, SettingsError
from twin.events import ComponentChanged
from twin.lifecycle import ComponentState
from twin.model import META, Model, meta_of

# Several workers' actors, TensorFlow in each stem, on a slow core that is busy: assumption.
SERVING_S: Final = 240.0
LOOK_EVERY_S: Final = 0.5


@dataclass(slots=True, kw_only=True)
class Deployment:
    """A twin that is up. Addresses are those in use, embedded or not."""

    kafka: str
    redis: str
    ray: str
    prefix: str  # of topics and keys
    model_id: str
    api: str | None
    workers: int
    broker: EmbeddedServers | None  # None where it is somebody else's
    store: EmbeddedServers | None
    attendants: Attendants
    watch: Watch
    _loops: list[Background] = field(default_factory=list)
    _look: Callable[[], None] = lambda: None
    _looked_s: float = 0.0
    _clients: ExitStack = field(default_factory=ExitStack)
    _news: ComponentNews = field(init=False)

    def __post_init__(self) -> None:
        """Begin to listen to the components."""
        self._news = ComponentNews(lambda: self.subscriber("components"))

    @property
    def latest(self) -> dict[str, ComponentChanged]:
        """What each component told last, by its name, from the log."""
        return self._news.latest

    def check(self) -> None:
        """Start again what ended; to be called several times a second.

        Raises:
            DependencyError: the embedded broker ended, and the log with it.
        """
        if self.broker is not None:
            self.broker.check()
        for loop in self._loops:
            loop.check()
        self.attendants.check()
        if time.monotonic() - self._looked_s > LOOK_EVERY_S:
            self._looked_s = time.monotonic()
            self._look()
            self._news.hear()

    def await_ready(self) -> None:
        """Wait until the mirror has written, and the API says that its state is fresh.

        Raises:
            DependencyError: one of them did not get so far.
        """
        from services.mirror.redis_mirror import RedisMirror

        mirror = RedisMirror(self.redis, self.prefix)
        try:
            self.attendants.await_ready(lambda: bool(mirror.position()), self.api)
        finally:
            mirror.close()

    def await_serving(self, timeout_s: float = SERVING_S) -> None:
        """Wait until all workers take cases.

        Raises:
            DependencyError: one of them does not, and what it said last.
        """
        deadline_s = time.monotonic() + timeout_s
        while waiting := [name for name in self.worker_names if not self._serves(name)]:
            self.check()
            if time.monotonic() > deadline_s:
                last = self.latest.get(waiting[0])
                said = "said nothing" if last is None else f"is {last.state}: {last.reason}"
                raise DependencyError(f"{waiting[0]} takes no cases; it {said}")
            time.sleep(0.05)

    @property
    def worker_names(self) -> list[str]:
        """Names of the workers' processes."""
        return [one.name for one in self.attendants.children if one.name.startswith("worker")]

    def pid_of(self, name: str) -> int | None:
        """Return the process of a part: a child, "redis", "kafka", or a component of a worker's.

        None where it is down, is not ours, or has not told yet.
        """
        for child in self.attendants.children:
            if child.name == name:
                return child.pid
        for server, ours in (("kafka", self.broker), ("redis", self.store)):
            if name == server:
                return None if ours is None else ours.pids.get(server)
        self._news.hear()
        for actor in (name, f"{name}-1", f"w1.{name}", f"w1.{name}-1"):  # the first of several
            told = self.latest.get(actor)
            if told is not None and "pid" in told.facts:
                return int(told.facts["pid"])
        return None

    def publisher(self) -> Publisher:
        """Return a new publisher to the twin's topics; it is closed with the twin."""
        from services.bus.kafka_publisher import KafkaPublisher

        publisher = KafkaPublisher(self.kafka, self.prefix)
        self._clients.callback(publisher.close)
        return publisher

    def subscriber(self, *topics: str) -> Subscriber:
        """Return a new subscriber from the topics' beginning; it is closed with the twin."""
        from services.bus.kafka_subscriber import KafkaSubscriber

        group = f"reader-{uuid.uuid4().hex[:8]}"
        subscriber = KafkaSubscriber(self.kafka, self.prefix, topics, group)
        self._clients.callback(subscriber.close)
        return subscriber

    def _serves(self, worker: str) -> bool:
        told = self.latest.get(worker)
        return told is not None and told.state == ComponentState.READY


@contextmanager
def deployment(
    settings: Settings,
    artefact: Model,
    *,
    scenario: Path | None = None,
    batch: int = 64,
    workers: int = 1,
    api: Sequence[str] | None = None,
    log: Log,
    words: TextIO | None = None,
) -> Iterator[Deployment]:
    """Bring a twin up, and take down all that was started, however the block ends.

    Servers are embedded where the settings name none. Nothing is waited for: see `await_ready` and
    `await_serving`.

    Parameters:
        scenario: whose loop is followed; None where nothing happens to the stack.
        workers: how many share the cases, each with actors of its own.
        api: options of the API's command, with --host and --port; None for none.
        words: file for what the processes say; our standard error if None.

    Raises:
        SettingsError: there are more workers than partitions.
    """
    if workers > settings.partitions:
        reason = f"are too few for {workers} workers: each needs one of its own"
        raise SettingsError("DERMTWIN_PARTITIONS", str(settings.partitions), reason)
    with ExitStack() as stack:
        # Apart from one another, for Redis can be started again and the broker's log is its memory.
        kafka, redis, broker, store = settings.kafka, settings.redis, None, None
        if kafka is None:
            broker = stack.enter_context(EmbeddedServers(redis=False))
            kafka = broker.bootstrap_servers
        if redis is None:
            store = stack.enter_context(EmbeddedServers(kafka=False))
            redis = store.redis_url
        from services.ray_stack import components_of, ray_up, sustained

        parts, watch = parts_of(artefact), Watch()
        placement = stack.enter_context(
            ray_up(settings, components_of(parts), sustained(settings, workers), workers)
        )
        from actors.cluster import ray_address
        from actors.explaining import lone_explainer
        from services.asks.loop import asks_loop
        from services.bus.kafka_publisher import KafkaPublisher
        from services.bus.kafka_topics import ensure_topics

        ensure_topics(kafka, settings.name, TOPICS, settings.partitions)
        telling = KafkaPublisher(kafka, settings.name)
        stack.callback(telling.close)
        watch.pass_on(telling.publish)
        if scenario is None:
            _announce(telling, artefact)
        # Uploads are kept in the Redis that the mirror uses, embedded or not.
        reader = ImageStore.of(settings.model_copy(update={"redis": redis}))
        supervisor, explainer = lone_explainer(parts, reader, placement, watch)
        stack.callback(supervisor.stop)
        asks = asks_loop(
            redis,
            settings.name,
            explainer,
            model_id=artefact.model_id,
            own=meta_of(artefact.part(META)),
            log=log,
        )
        attendants = Attendants(
            settings,
            kafka=kafka,
            redis=redis,
            ray=ray_address(),
            prefix=settings.name,
            model_id=artefact.model_id,
            scenario=scenario,
            batch=batch,
            workers=workers,
            api=api,
            store=store,
            tell=watch,
            log=log,
            words=words,
        )
        up = Deployment(
            kafka=kafka,
            redis=redis,
            ray=ray_address(),
            prefix=settings.name,
            model_id=artefact.model_id,
            api=None if api is None else _address(api),
            workers=workers,
            broker=broker,
            store=store,
            attendants=attendants,
            watch=watch,
            _loops=[Background("asks", asks)],
            _look=supervisor.check,
            _clients=stack.enter_context(ExitStack()),
        )
        try:
            attendants.start()
            yield up
        finally:
            watch.forward = None
            attendants.stop()
            for loop in up._loops:
                loop.stop()


def _announce(publisher: Publisher, artefact: Model) -> None:
    """Put the model's own stack on the log, where the page and the API read its weights."""
    from twin.restacking.decision import announced
    from twin.stacks import StackVersion

    own = meta_of(artefact.part(META))
    base = StackVersion(number=0, meta=own, threshold=artefact.threshold)
    publisher.publish(announced(base, artefact.model_id))
    publisher.flush()


def _address(api: Sequence[str]) -> str:
    """Return the address that options of the API's command name."""
    from services.api.address import address_of

    said = dict(pairwise(api))
    return address_of(said["--host"], int(said["--port"]))
