"""The bus without servers: for tests, and for whoever wants to see how it works."""

import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.bus.port import (
    MAX_EVENT_BYTES,
    MAX_RAW_BYTES,
    PARTITIONS,
    Message,
    Place,
    ensure_size,
    share_of,
)
from twin.events import Event
from twin.log import SCHEMA_OF, TOPIC_OF, encode, key_of


@dataclass(slots=True)
class MemoryBus:
    """A broker in this process. Topics exist as soon as somebody names them."""

    partitions: int = PARTITIONS
    log: defaultdict[Place, list[Message]] = field(default_factory=lambda: defaultdict(list))
    committed: dict[tuple[str, Place], int] = field(default_factory=dict)  # by group and place
    changed: threading.Condition = field(default_factory=threading.Condition)  # guards all above

    def publisher(self) -> "MemoryPublisher":
        """Return a new publisher."""
        return MemoryPublisher(self)

    def subscriber(
        self, topics: Sequence[str], group: str, share: tuple[int, int] = (0, 1)
    ) -> "MemorySubscriber":
        """Return a new subscriber; `share` (i, n) is every n-th partition from the i-th."""
        places = [
            place for topic in topics for place in share_of(topic, range(self.partitions), share)
        ]
        return MemorySubscriber(self, group, places)

    def append(
        self, topic: str, key: str | None, schema: str, value: bytes, headers: Mapping[str, str]
    ) -> None:
        """Write a message to the partition of its key."""
        partition = zlib.crc32((key or "").encode(errors="surrogateescape")) % self.partitions
        with self.changed:
            messages = self.log[topic, partition]
            message = Message(
                topic=topic,
                partition=partition,
                offset=len(messages),
                key=key,
                schema=schema,
                value=value,
                headers=dict(headers),
                sent_unix_ms=round(time.time() * 1000),
            )
            messages.append(message)
            self.changed.notify_all()


class MemoryPublisher:
    """See `services.bus.port.Publisher`; everything is acknowledged at once."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    def publish(self, event: Event) -> None:
        """Write an event to its topic under its key."""
        kind, key, value = type(event), key_of(event), encode(event)
        ensure_size(TOPIC_OF[kind], key, value, MAX_EVENT_BYTES)
        self._bus.append(TOPIC_OF[kind], key, SCHEMA_OF[kind], value, {})

    def publish_raw(
        self, topic: str, key: str | None, schema: str, value: bytes, headers: Mapping[str, str]
    ) -> None:
        """Write bytes as they are."""
        ensure_size(topic, key, value, MAX_RAW_BYTES)
        self._bus.append(topic, key, schema, value, headers)

    def flush(self) -> None:
        """Return at once: nothing is ever under way."""

    def close(self) -> None:
        """Return at once: there is nothing to let go of."""


class MemorySubscriber:
    """See `services.bus.port.Subscriber`."""

    def __init__(self, bus: MemoryBus, group: str, places: Sequence[Place]) -> None:
        self._bus = bus
        self._group = group
        self._at = {place: bus.committed.get((group, place), 0) for place in places}

    def poll(self, max_messages: int, timeout_s: float) -> list[Message]:
        """Return the next messages; waits for the first one no longer than `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        with self._bus.changed:
            while not any(behind > 0 for behind in self._lag().values()):
                if not self._bus.changed.wait(deadline_s - time.monotonic()):
                    return []
            taken: list[Message] = []
            for place, at in self._at.items():
                fresh = self._bus.log[place][at : at + max_messages - len(taken)]
                self._at[place] += len(fresh)
                taken += fresh
            return taken

    def commit(self, upto: Mapping[Place, int]) -> None:
        """Keep, per partition, the offset that the group reads next."""
        with self._bus.changed:
            self._bus.committed.update({(self._group, place): at for place, at in upto.items()})

    def committed(self) -> dict[Place, int]:
        """Return, per partition, the offset that the group reads next; 0 where it kept none."""
        with self._bus.changed:
            return {place: self._bus.committed.get((self._group, place), 0) for place in self._at}

    def seek(self, upto: Mapping[Place, int]) -> None:
        """Go to the given offsets, and to the beginning of the other partitions."""
        self._at = {place: upto.get(place, 0) for place in self._at}

    def lag(self) -> dict[Place, int]:
        """Return, per partition, how many messages were not polled yet."""
        with self._bus.changed:
            return self._lag()

    def _lag(self) -> dict[Place, int]:
        return {place: len(self._bus.log[place]) - at for place, at in self._at.items()}

    def close(self) -> None:
        """Return at once: there is nothing to let go of."""
