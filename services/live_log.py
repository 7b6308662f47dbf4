"""The log of the twin that is up, for commands: what is on it, and a message more."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from services.bus.codec import decode
from services.bus.port import Publisher, Subscriber
from services.config import Settings
from twin.errors import DependencyError, EventError, SettingsError
from twin.events import Event

_PATIENCE_S: Final = 0.5  # a poll of a topic that has lag; it is asked again while it has
# What a twin that is up does at epochs.
NOTHING: Final = "nothing"
RESTACKS: Final = "decision on the stack"
WATCHES: Final = "report of drift"
_NONE_UP: Final = "no twin is up: start one with `dermtwin up`"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLog:
    """Reads topics from their beginning, and publishes."""

    prefix: str
    loop: str | None  # what it does at epochs, as `dermtwin up` noted it; None: not known
    reader: Callable[[Sequence[str]], Subscriber]
    publisher: Publisher

    def events(self, *topics: str) -> list[Event]:
        """Return all events of some topics; bytes that are none are passed over.

        The worker and the mirror keep those apart and count them.
        """
        return list(read_topic(self.reader(topics), strict=False))

    def send(self, event: Event) -> None:
        """Publish an event, and wait until the broker has it."""
        self.publisher.publish(event)
        self.publisher.flush()


def read_topic(reader: Subscriber, *, strict: bool = True) -> Sequence[Event]:
    """Return all events of the topics that a subscriber reads from their beginning.

    Raises:
        EventError: what is there is no event, and `strict`.
        DependencyError: the broker did not answer.
    """
    found: list[Event] = []
    while sum(reader.lag().values()) > 0:
        for message in reader.poll(1000, _PATIENCE_S):
            try:
                found.append(decode(message.schema, message.value))
            except EventError:
                if strict:
                    raise
    return found


@contextmanager
def live_log(settings: Settings) -> Iterator[LiveLog]:
    """Open the log of the twin that is up.

    Raises:
        DependencyError: no twin is up, or its broker does not answer.
    """
    from services.upfile import UpFile

    note = UpFile(settings.home).read()
    servers = settings.kafka or (note["kafka"] if note else None)
    if servers is None:
        raise DependencyError(_NONE_UP)
    prefix = note["prefix"] if note else settings.name
    from services.bus.kafka_publisher import KafkaPublisher
    from services.bus.kafka_subscriber import KafkaSubscriber

    with ExitStack() as stack:

        def reader(topics: Sequence[str]) -> Subscriber:
            group = f"reader-{uuid.uuid4().hex[:8]}"
            subscriber = KafkaSubscriber(servers, prefix, tuple(topics), group)
            stack.callback(subscriber.close)
            return subscriber

        publisher = KafkaPublisher(servers, prefix)
        stack.callback(publisher.close)
        loop = None if note is None else note.get("at_epochs", NOTHING)
        yield LiveLog(prefix=prefix, loop=loop, reader=reader, publisher=publisher)


def ensure_loop(prefix: str, loop: str | None, wanted: str) -> None:
    """Refuse what nobody would answer.

    Parameters:
        prefix: names the twin.
        loop: what it does at epochs; None: not known, and nothing is refused.

    Raises:
        SettingsError: the twin that is up does not do at epochs what is wanted.
    """
    if loop is not None and wanted not in loop:
        reason = f"it has no {wanted} at epochs: start it with `dermtwin up --scenario FILE`"
        raise SettingsError("the twin that is up", prefix, reason)
