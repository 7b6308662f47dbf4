"""Servers with the manners of `services.bus.memory.MemoryBus`, for tests that were made for it."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.port import PARTITIONS, Message, Place
from services.bus.topics import TOPICS


class ServedBus:
    """What was published is there for the next poll, without a flush and without a wait."""

    def __init__(self, servers: str, stack: ExitStack, partitions: int = PARTITIONS) -> None:
        self._servers, self._stack = servers, stack
        self._prefix = f"test-{uuid.uuid4().hex[:12]}"
        self._publishers: list[KafkaPublisher] = []
        ensure_topics(servers, self._prefix, TOPICS, partitions)

    def publisher(self) -> KafkaPublisher:
        made = KafkaPublisher(self._servers, self._prefix)
        self._stack.callback(made.close)
        self._publishers.append(made)
        return made

    def subscriber(
        self, topics: Sequence[str], group: str, share: tuple[int, int] = (0, 1)
    ) -> "PromptSubscriber":
        made = KafkaSubscriber(self._servers, self._prefix, topics, group, share)
        self._stack.callback(made.close)
        return PromptSubscriber(self, made)

    def flush(self) -> None:
        for one in self._publishers:
            one.flush()


class PromptSubscriber:
    """Waits for what it knows to be there."""

    def __init__(self, bus: ServedBus, subscriber: KafkaSubscriber) -> None:
        self._bus, self._subscriber = bus, subscriber

    def poll(self, max_messages: int, timeout_s: float) -> list[Message]:
        self._bus.flush()
        found = self._subscriber.poll(max_messages, timeout_s)
        while len(found) < max_messages and sum(self._subscriber.lag().values()) > 0:
            found += self._subscriber.poll(max_messages - len(found), 0.5)
        return found

    def lag(self) -> dict[Place, int]:
        self._bus.flush()
        return self._subscriber.lag()

    def commit(self, upto: Mapping[Place, int]) -> None:
        self._subscriber.commit(upto)

    def seek(self, upto: Mapping[Place, int]) -> None:
        self._subscriber.seek(upto)

    def close(self) -> None:
        self._subscriber.close()
