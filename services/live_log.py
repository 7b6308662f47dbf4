"""The log of the twin that is up, for commands: what is on it, and a message more."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from services.bus.port import Place, Publisher, Subscriber
from services.bus.reading import read_or_none
from services.config import Settings
from twin.errors import DependencyError, SettingsError
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
    # Where a group stands on a topic: offset that it reads next, per partition.
    committed: Callable[[str, str], Mapping[Place, int]] = lambda _group, _topic: {}

    def events(self, *topics: str) -> list[Event]:
        """Return all events of some topics; bytes that are none are passed over.

        The worker and the mirror keep those apart and count them.
        """
        return list(read_topic(self.reader(topics)))

    def send(self, event: Event) -> None:
        """Publish an event, and wait until the broker has it."""
        self.publisher.publish(event)
        self.publisher.flush()


def read_topic(reader: Subscriber) -> Sequence[Event]:
    """Return all events of the topics that a subscriber reads from their beginning.

    Raises:
        DependencyError: the broker did not answer.
    """
    found: list[Event] = []
    while sum(reader.lag().values()) > 0:
        events = map(read_or_none, reader.poll(1000, _PATIENCE_S))
        found += [event for event in events if event is not None]
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

        groups: dict[tuple[str, str], Subscriber] = {}

        def committed(group: str, topic: str) -> Mapping[Place, int]:
            if (group, topic) not in groups:
                # Partitions are assigned by hand: asking is not joining.
                asked = KafkaSubscriber(servers, prefix, (topic,), group)
                stack.callback(asked.close)
                groups[group, topic] = asked
            return groups[group, topic].committed()

        publisher = KafkaPublisher(servers, prefix)
        stack.callback(publisher.close)
        loop = None if note is None else note.get("at_epochs", NOTHING)
        yield LiveLog(
            prefix=prefix, loop=loop, reader=reader, publisher=publisher, committed=committed
        )


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
