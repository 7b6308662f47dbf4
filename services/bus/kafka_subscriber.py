"""Reads messages from Kafka.

Partitions are assigned by hand: a consumer group would have to join, which costs seconds and buys
nothing where each worker knows its share.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from services.bus.kafka_client import (
    RECONNECT_MS,
    SCHEMA_HEADER,
    TIMEOUT_S,
    asking,
    connection,
    kafka,
)
from services.bus.port import Message, Place, share_of
from twin.errors import DependencyError

# How long the broker may hold a fetch that finds nothing. Tansu does not end the wait when data
# comes, and the other requests of a connection queue behind it. Measured from send to poll, p99:
# 33 ms with 50, 270 ms with 500; below 50, an idle consumer's share of a core grows.
FETCH_WAIT_MS: Final = 50
# A consumer does not say that its broker is gone, it just finds nothing. So ask when idle.
ASK_WHEN_IDLE_S: Final = 2.0
# A broker may not have heard of a topic for a moment after it was made: the controller tells it.
HEARD_OF_S: Final = 2.0  # assumption
_ASK_AGAIN_S: Final = 0.05

Result = TypeVar("Result")


class KafkaSubscriber:
    """Reads its share of the partitions of some topics; see `services.bus.port.Subscriber`.

    Parameters:
        servers: `host:port`, several separated by commas.
        topics: names without the prefix; they have to exist.
        group: keeps its offsets under `{prefix}.{group}`.
        share: (i, n) reads every n-th partition, starting with the i-th; i counts from 0.
    """

    _OPTIONS: Mapping[str, int] = {}  # of the client, beside those that all have

    def __init__(
        self,
        servers: str,
        prefix: str,
        topics: Sequence[str],
        group: str,
        share: tuple[int, int] = (0, 1),
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._servers = servers
        self._timeout_ms = int(timeout_s * 1000)
        self._what = f"topics {', '.join(f'{prefix}.{topic}' for topic in topics)}"
        how = connection(servers)
        self._consumer = self._ask(
            lambda: kafka.KafkaConsumer(
                **how,
                group_id=f"{prefix}.{group}",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=FETCH_WAIT_MS,
                allow_auto_create_topics=False,
                request_timeout_ms=self._timeout_ms,
                bootstrap_timeout_ms=self._timeout_ms,
                reconnect_backoff_max_ms=RECONNECT_MS,
                metrics_enabled=False,
                **self._OPTIONS,
            )
        )
        try:
            self._places = self._ask(lambda: self._share(prefix, topics, share))
        except BaseException:
            self._consumer.close(autocommit=False)
            raise
        self._mine: list[kafka.TopicPartition] = []
        self._join()
        self._heard_s = time.monotonic()

    def _join(self) -> None:
        self._mine = list(self._places)
        self._consumer.assign(self._mine)

    def _ask(self, call: Callable[[], Result]) -> Result:
        return asking(self._servers, self._what, call)

    def _share(
        self, prefix: str, topics: Sequence[str], share: tuple[int, int]
    ) -> dict[kafka.TopicPartition, Place]:
        places = {}
        for topic in topics:
            name = f"{prefix}.{topic}"
            known = self._partitions_of(name)
            for place in share_of(topic, known, share):
                places[kafka.TopicPartition(name, place[1])] = place
        return places

    def _partitions_of(self, name: str) -> set[int]:
        deadline_s = time.monotonic() + HEARD_OF_S
        while not (known := self._consumer.partitions_for_topic(name)):
            if time.monotonic() > deadline_s:
                raise DependencyError(f"Kafka {self._servers} has no topic {name}")
            time.sleep(_ASK_AGAIN_S)
        return set(known)

    def poll(self, max_messages: int, timeout_s: float) -> list[Message]:
        """Return the next messages; waits for the first one no longer than `timeout_s`."""
        found = self._ask(
            lambda: self._consumer.poll(timeout_ms=timeout_s * 1000, max_records=max_messages)
        )
        now_s = time.monotonic()
        if found:
            self._heard_s = now_s
        elif now_s - self._heard_s > ASK_WHEN_IDLE_S:
            self._ask(self._ends)
            self._heard_s = time.monotonic()
        return [
            self._message(self._places[tp], record)
            for tp, records in found.items()
            for record in records
        ]

    def _message(self, place: Place, record: kafka.consumer.fetcher.ConsumerRecord) -> Message:
        headers = {
            name: raw.decode(errors="surrogateescape") for name, raw in record.headers if raw
        }
        return Message(
            topic=place[0],
            partition=place[1],
            offset=record.offset,
            key=None if record.key is None else record.key.decode(errors="surrogateescape"),
            schema=headers.pop(SCHEMA_HEADER, ""),
            value=record.value or b"",
            headers=headers,
            sent_unix_ms=record.timestamp,
        )

    def commit(self, upto: Mapping[Place, int]) -> None:
        """Keep, per partition, the offset that the group reads next."""
        by_place = {place: tp for tp, place in self._places.items()}
        offsets = {
            by_place[place]: kafka.OffsetAndMetadata(at, "", -1) for place, at in upto.items()
        }
        self._ask(lambda: self._consumer.commit(offsets, timeout_ms=self._timeout_ms))

    def committed(self) -> dict[Place, int]:
        """Return, per partition, the offset that the group reads next; 0 where it kept none."""
        return self._ask(
            lambda: {
                place: self._consumer.committed(tp, timeout_ms=self._timeout_ms) or 0
                for tp, place in self._places.items()
            }
        )

    def seek(self, upto: Mapping[Place, int]) -> None:
        """Go to the given offsets, and to the beginning of the other partitions."""
        # Assigned anew, or else the client would keep what it knew of the partitions' ends.
        self._consumer.unsubscribe()
        self._consumer.assign(self._mine)
        for tp, place in self._places.items():
            self._consumer.seek(tp, upto.get(place, 0))

    def lag(self) -> dict[Place, int]:
        """Return, per partition, how many messages were not polled yet."""
        return self._ask(self._lag)

    def _lag(self) -> dict[Place, int]:
        # Tansu lists as the end one past the *first* message of the last batch, which is too low
        # for a reader within or behind that batch. The high watermark that comes with a fetch is
        # right, but is only as fresh as the fetch. Together they are exact: a reader before the
        # last batch has a positive lag by the list, and any other has fetched since that batch
        # was written, or does so here.
        listed = self._ends()
        at = {tp: self._position(tp) for tp in self._mine}
        behind = [tp for tp in self._mine if at[tp] > listed[tp]]
        if any(self._consumer.highwater(tp) is None for tp in behind):
            self._fetch_nothing(at)
        return {
            place: max(listed[tp], self._consumer.highwater(tp) or 0) - at[tp]
            for tp, place in self._places.items()
            if tp in at
        }

    def _fetch_nothing(self, at: Mapping[kafka.TopicPartition, int]) -> None:
        deadline_s = time.monotonic() + self._timeout_ms / 1000
        while any(self._consumer.highwater(tp) is None for tp in self._mine):
            self._consumer.poll(timeout_ms=FETCH_WAIT_MS, max_records=1)
            if time.monotonic() > deadline_s:
                raise kafka.errors.KafkaTimeoutError("no fetch was answered")
        for tp, offset in at.items():
            self._consumer.seek(tp, offset)

    def _ends(self) -> dict[kafka.TopicPartition, int]:
        ends: dict[kafka.TopicPartition, int] = self._consumer.end_offsets(
            self._mine, self._timeout_ms
        )
        return ends

    def _position(self, partition: kafka.TopicPartition) -> int:
        at = self._consumer.position(partition, self._timeout_ms)
        if at is None:
            raise kafka.errors.KafkaTimeoutError("the group's offset did not come")
        return int(at)

    def close(self) -> None:
        """Let go of the broker, without committing anything."""
        self._consumer.close(autocommit=False, timeout_ms=self._timeout_ms)
