"""The event bus on Kafka's protocol, by kafka-python.

Partitions are assigned by hand: a consumer group would have to join, which costs seconds and buys
nothing where each worker knows its share.
"""

import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

with warnings.catch_warnings():
    # While it is imported, kafka-python reads its schemas by a function that Python 3.11 and 3.12
    # deprecate and 3.13 took back into favour.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
    from kafka.admin import KafkaAdminClient, NewTopic
    from kafka.errors import KafkaError, TopicAlreadyExistsError

from services.bus import PARTITIONS, Message, Place, ensure_size
from twin.errors import DependencyError, InputError, SettingsError
from twin.events import Event
from twin.log import SCHEMA_OF, TOPIC_OF, encode, key_of

TIMEOUT_S: Final = 10.0  # for one request; a broker under load may pause for seconds: assumption
LINGER_MS: Final = 2  # collects what is published in a row into one request: assumption
# How long the broker may hold a fetch that finds nothing. Tansu does not end the wait when data
# comes, and the other requests of a connection queue behind it. Measured from send to poll, p99:
# 33 ms with 50, 270 ms with 500; below 50, an idle consumer's share of a core grows.
FETCH_WAIT_MS: Final = 50
# A consumer does not say that its broker is gone, it just finds nothing. So ask when idle.
ASK_WHEN_IDLE_S: Final = 2.0
_SCHEMA: Final = "schema"  # name of the header

Result = TypeVar("Result")

# Everything that its loggers say reaches the caller as a DependencyError; with no handler set, the
# interpreter would print it between the progress bars.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


def _asking(servers: str, what: str, call: Callable[[], Result]) -> Result:
    """Return what a call of kafka-python returns; turn its errors into ours."""
    try:
        return call()
    except (KafkaError, OSError) as error:
        raise DependencyError(
            f"Kafka {servers}, {what}: {error or type(error).__name__}"
        ) from error


def _reach(servers: str) -> list[str]:
    """Return the list of servers, one of which accepts connections.

    A client that cannot connect would try for its whole timeout, and leave its thread behind.
    """
    addresses = [address.strip() for address in servers.split(",") if address.strip()]
    reasons = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise SettingsError("KAFKA_BOOTSTRAP_SERVERS", servers, "expected host:port,...")
        try:
            socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S).close()
            return addresses
        except OSError as error:
            reasons.append(f"{address}: {error.strerror or error}")
    raise DependencyError(f"Kafka does not answer ({'; '.join(reasons) or 'no server given'})")


def ensure_topics(
    servers: str, prefix: str, topics: Sequence[str], partitions: int = PARTITIONS
) -> None:
    """Create the topics that do not exist.

    Raises:
        DependencyError: the broker did not.
    """
    addresses = _reach(servers)

    def create() -> None:
        admin = KafkaAdminClient(
            bootstrap_servers=addresses, request_timeout_ms=int(TIMEOUT_S * 1000)
        )
        try:
            for topic in topics:  # one by one: a topic that exists must not hide another's error
                try:
                    # As many replicas as the cluster's default says.
                    admin.create_topics([NewTopic(f"{prefix}.{topic}", partitions, -1)])
                except TopicAlreadyExistsError:
                    continue
        finally:
            admin.close()

    _asking(servers, f"creating topics {prefix}.*", create)


class KafkaPublisher:
    """Publishes to `{prefix}.{topic}`; see `services.bus.Publisher`.

    Parameters:
        servers: `host:port`, several separated by commas.
        timeout_s: for an acknowledgement, including retries.
    """

    def __init__(self, servers: str, prefix: str, timeout_s: float = 2 * TIMEOUT_S) -> None:
        self._servers = servers
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._unacknowledged: list[tuple[str, Any]] = []  # topic and future
        half_ms = int(timeout_s * 500)
        addresses = _reach(servers)
        self._producer = _asking(
            servers,
            "connecting",
            lambda: KafkaProducer(
                bootstrap_servers=addresses,
                acks="all",
                enable_idempotence=True,
                linger_ms=LINGER_MS,
                allow_auto_create_topics=False,
                request_timeout_ms=half_ms,
                max_block_ms=half_ms,
                bootstrap_timeout_ms=half_ms,
                delivery_timeout_ms=2 * half_ms + LINGER_MS,
                metrics_enabled=False,
            ),
        )

    def publish(self, event: Event) -> None:
        """Send an event to its topic under its key."""
        kind, key, value = type(event), key_of(event), encode(event)
        ensure_size(TOPIC_OF[kind], key, value)
        self._send(TOPIC_OF[kind], key, value, [(_SCHEMA, SCHEMA_OF[kind].encode())])

    def publish_raw(
        self, topic: str, key: str | None, schema: str, value: bytes, headers: Mapping[str, str]
    ) -> None:
        """Send bytes as they are."""
        fields = {_SCHEMA: schema, **headers}
        encoded = [(name, text.encode(errors="replace")) for name, text in fields.items()]
        self._send(topic, key, value, encoded)

    def _send(
        self, topic: str, key: str | None, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        # A key that was no UTF-8 when it was read goes back as the bytes that it was.
        raw_key = None if key is None else key.encode(errors="surrogateescape")
        name = f"{self._prefix}.{topic}"
        future = _asking(
            self._servers,
            f"topic {name}",
            lambda: self._producer.send(name, value, key=raw_key, headers=headers),
        )
        with self._lock:
            self._unacknowledged.append((name, future))

    def flush(self) -> None:
        """Wait for all acknowledgements, of other threads' messages, too."""
        with self._lock:
            waiting, self._unacknowledged = self._unacknowledged, []
        _asking(self._servers, "flushing", lambda: self._producer.flush(self._timeout_s))
        lost = [(name, future.exception) for name, future in waiting if not future.succeeded()]
        if lost:
            name, reason = lost[0]
            raise DependencyError(
                f"Kafka {self._servers}, topic {name}: {len(lost)} of {len(waiting)} messages "
                f"were not acknowledged: {reason}"
            )

    def close(self) -> None:
        """Let go of the broker, waiting for what is under way no longer than the timeout."""
        try:
            self._producer.close(timeout=self._timeout_s)
        except KafkaError:
            # The broker is gone. Whoever needed the messages has called flush and knows; a second
            # close does not wait any more.
            self._producer.close(timeout=0)


class KafkaSubscriber:
    """Reads its share of the partitions of some topics; see `services.bus.Subscriber`.

    Parameters:
        servers: `host:port`, several separated by commas.
        topics: names without the prefix; they have to exist.
        group: keeps its offsets under `{prefix}.{group}`.
        share: (i, n) reads every n-th partition, starting with the i-th; i counts from 0.
    """

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
        self._cut = len(prefix) + 1
        self._timeout_ms = int(timeout_s * 1000)
        self._what = f"topics {', '.join(f'{prefix}.{topic}' for topic in topics)}"
        addresses = _reach(servers)
        self._consumer = self._ask(
            lambda: KafkaConsumer(
                bootstrap_servers=addresses,
                group_id=f"{prefix}.{group}",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=FETCH_WAIT_MS,
                allow_auto_create_topics=False,
                request_timeout_ms=self._timeout_ms,
                bootstrap_timeout_ms=self._timeout_ms,
                metrics_enabled=False,
            )
        )
        try:
            self._mine = self._ask(lambda: self._assign(prefix, topics, share))
        except BaseException:
            self._consumer.close(autocommit=False)
            raise
        self._places = {tp: self._place(tp) for tp in self._mine}
        self._heard_s = time.monotonic()

    def _ask(self, call: Callable[[], Result]) -> Result:
        return _asking(self._servers, self._what, call)

    def _place(self, partition: Any) -> Place:
        return (partition.topic[self._cut :], partition.partition)

    def _assign(self, prefix: str, topics: Sequence[str], share: tuple[int, int]) -> list[Any]:
        turn, of = share
        mine = []
        for topic in topics:
            name = f"{prefix}.{topic}"
            known = self._consumer.partitions_for_topic(name)
            if not known:
                raise DependencyError(f"Kafka {self._servers} has no topic {name}")
            mine += [
                TopicPartition(name, number) for number in sorted(known) if number % of == turn
            ]
        if not mine:
            raise InputError(
                f"reader {turn + 1} of {of}: the {self._what} have no partition for it"
            )
        self._consumer.assign(mine)
        return mine

    def poll(self, max_messages: int, timeout_s: float) -> list[Message]:
        """Return the next messages; waits for the first one no longer than `timeout_s`."""
        found = self._ask(
            lambda: self._consumer.poll(timeout_ms=timeout_s * 1000, max_records=max_messages)
        )
        now_s = time.monotonic()
        if found:
            self._heard_s = now_s
        elif now_s - self._heard_s > ASK_WHEN_IDLE_S:
            self._ends()
            self._heard_s = time.monotonic()
        return [
            self._message(self._places[tp], record)
            for tp, records in found.items()
            for record in records
        ]

    def _message(self, place: Place, record: Any) -> Message:
        headers = {name: raw.decode(errors="replace") for name, raw in record.headers if raw}
        return Message(
            topic=place[0],
            partition=place[1],
            offset=record.offset,
            key=None if record.key is None else record.key.decode(errors="surrogateescape"),
            schema=headers.pop(_SCHEMA, ""),
            value=record.value or b"",
            headers=headers,
        )

    def commit(self, upto: Mapping[Place, int]) -> None:
        """Keep, per partition, the offset that the group reads next."""
        by_place = {place: tp for tp, place in self._places.items()}
        offsets = {by_place[place]: OffsetAndMetadata(at, "", -1) for place, at in upto.items()}
        self._ask(lambda: self._consumer.commit(offsets, timeout_ms=self._timeout_ms))

    def seek(self, upto: Mapping[Place, int]) -> None:
        """Go to the given offsets, and to the beginning of the other partitions."""
        unknown = [tp for tp, place in self._places.items() if place not in upto]
        if unknown:
            self._ask(lambda: self._consumer.seek_to_beginning(*unknown))
        for tp, place in self._places.items():
            if place in upto:
                self._consumer.seek(tp, upto[place])

    def lag(self) -> dict[Place, int]:
        """Return, per partition, how many messages were not polled yet."""
        ends = self._ends()
        return {place: ends[tp] - self._position(tp) for tp, place in self._places.items()}

    def _ends(self) -> dict[Any, int]:
        return self._ask(lambda: self._consumer.end_offsets(self._mine, self._timeout_ms))

    def _position(self, partition: Any) -> int:
        at = self._ask(lambda: self._consumer.position(partition, self._timeout_ms))
        if at is None:
            raise DependencyError(f"Kafka {self._servers}, {self._what}: no position in time")
        return int(at)

    def close(self) -> None:
        """Let go of the broker, without committing anything."""
        self._consumer.close(autocommit=False, timeout_ms=self._timeout_ms)
