"""Writes events to Kafka."""

import threading
from collections.abc import Mapping
from typing import Any, Final

from services.bus.kafka_client import SCHEMA_HEADER, TIMEOUT_S, asking, connection, kafka
from services.bus.port import MAX_EVENT_BYTES, MAX_RAW_BYTES, ensure_size
from services.wall_clock import unix_s
from twin.errors import DependencyError
from twin.events import Event
from twin.log import SCHEMA_OF, TOPIC_OF, encode, key_of

# Sent messages that are held before those are let go of that were acknowledged. Who only tells
# how it stands never flushes, and would hold all it ever said: assumption.
SWEEP_AT: Final = 1000
LINGER_MS: Final = 2  # collects what is published in a row into one request: assumption


class KafkaPublisher:
    """Publishes to `{prefix}.{topic}`; see `services.bus.port.Publisher`.

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
        self._sweep_at = SWEEP_AT
        half_ms = int(timeout_s * 500)
        how = connection(servers)
        self._producer = asking(
            servers,
            "connecting",
            lambda: kafka.KafkaProducer(
                **how,
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
        ensure_size(TOPIC_OF[kind], key, value, MAX_EVENT_BYTES)
        self._send(TOPIC_OF[kind], key, value, [(SCHEMA_HEADER, SCHEMA_OF[kind].encode())])

    def publish_raw(
        self, topic: str, key: str | None, schema: str, value: bytes, headers: Mapping[str, str]
    ) -> None:
        """Send bytes as they are."""
        ensure_size(topic, key, value, MAX_RAW_BYTES)
        fields = {SCHEMA_HEADER: schema, **headers}
        encoded = [(name, _bytes_of(text)) for name, text in fields.items()]
        self._send(topic, key, value, encoded)

    def _send(
        self, topic: str, key: str | None, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        # A key that was no UTF-8 when it was read goes back as the bytes that it was.
        raw_key = None if key is None else key.encode(errors="surrogateescape")
        name = f"{self._prefix}.{topic}"
        future = asking(
            self._servers,
            f"topic {name}",
            lambda: self._producer.send(
                name,
                value,
                key=raw_key,
                headers=headers,
                timestamp_ms=round(unix_s() * 1000),
            ),
        )
        with self._lock:
            self._unacknowledged.append((name, future))
            if len(self._unacknowledged) >= self._sweep_at:
                self._sweep()

    def _sweep(self) -> None:
        """Let go of what was acknowledged; what failed is kept for the next flush to tell."""
        held = [one for one in self._unacknowledged if not one[1].succeeded()]
        self._unacknowledged = held
        self._sweep_at = SWEEP_AT + 2 * len(held)  # not over and over again while a broker is slow

    def flush(self) -> None:
        """Wait for all acknowledgements, of other threads' messages, too."""
        with self._lock:
            waiting, self._unacknowledged = self._unacknowledged, []
        asking(self._servers, "flushing", lambda: self._producer.flush(self._timeout_s))
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
        except kafka.errors.KafkaError:
            # The broker is gone, and whoever needed the messages has called flush and knows. The
            # producer has given up closing before it ended its thread, which has no public way.
            self._producer._sender.force_close()
            self._producer.close(timeout=self._timeout_s)


def _bytes_of(text: str) -> bytes:
    """Return a header's bytes: those it was read from, where they were no UTF-8."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # half a character that no bytes were read as
        return text.encode(errors="replace")
