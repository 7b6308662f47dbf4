"""Writes events to Kafka, and goes on when the broker was away.

kafka-python's producer does not survive each restart of its broker: killed in mid-stream, it may
never send again, nor say so. So messages are kept until they are acknowledged, and a flush that
hears nothing for a while makes a new producer and sends them once more. What is sent twice the
fold counts as a duplicate.
"""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from services.bus.kafka_client import (
    RECONNECT_MS,
    SCHEMA_HEADER,
    TIMEOUT_S,
    asking,
    connection,
    kafka,
)
from services.bus.port import MAX_EVENT_BYTES, MAX_RAW_BYTES, ensure_size
from services.wall_clock import unix_s
from twin.errors import DependencyError
from twin.events import Event
from twin.log import SCHEMA_OF, TOPIC_OF, encode, key_of

# Sent messages that are held before those are let go of that were acknowledged. Who only tells
# how it stands never flushes, and would hold all it ever said: assumption.
SWEEP_AT: Final = 1000
LINGER_MS: Final = 2  # collects what is published in a row into one request: assumption
# A producer that has not had an acknowledgement for so long is taken for broken: assumption. A
# broker under load pauses for a second or two; one that is started again is away for five.
SILENCE_S: Final = 5.0
_AGAIN_S: Final = 0.5  # between two tries to reach a broker that is away
_FINAL: Final = (kafka.errors.MessageSizeTooLargeError, kafka.errors.AuthorizationError)
_END_S: Final = 1.0  # for a producer that is given up: its thread has to notice


@dataclass(slots=True, eq=False)
class _Sent:
    topic: str  # with the prefix
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]
    unix_ms: int  # when it was published
    future: Any = None  # of its last sending; None if that failed at once
    at_s: float = 0.0  # when that was

    def acknowledged(self) -> bool:
        return self.future is not None and bool(self.future.succeeded())

    def refused(self) -> bool:
        """Return whether the broker will never take it."""
        return self.future is not None and isinstance(self.future.exception, _FINAL)

    def said(self) -> str:
        """Return what the broker said of it; nothing where it was the producer's end."""
        error = None if self.future is None else self.future.exception
        known = error is not None and not isinstance(error, kafka.errors.IllegalStateError)
        return str(error) if known else ""


class KafkaPublisher:
    """Publishes to `{prefix}.{topic}`; see `services.bus.port.Publisher`.

    Parameters:
        servers: `host:port`, several separated by commas.
        timeout_s: for an acknowledgement, including retries and new producers.
    """

    def __init__(self, servers: str, prefix: str, timeout_s: float = 2 * TIMEOUT_S) -> None:
        self._servers = servers
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._unacknowledged: list[_Sent] = []
        self._sweep_at = SWEEP_AT
        self._failed_s = float("-inf")  # when the last attempt to connect ended
        self._closed = False
        self._producer: Any = self._connect()

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

    def flush(self) -> None:
        """Wait for all acknowledgements, of other threads' messages, too."""
        with self._lock:
            waiting = list(self._unacknowledged)
        deadline_s = time.monotonic() + self._timeout_s
        reason = ""
        while True:
            producer = self._producer
            if producer is not None:
                left_s = max(0.0, deadline_s - time.monotonic())
                reason = self._await(producer, min(SILENCE_S, self._timeout_s / 2, left_s))
            waiting = [one for one in waiting if not one.acknowledged()]
            with self._lock:
                self._sweep()
            if not waiting:
                return
            first = next((one for one in waiting if one.refused()), waiting[0])
            if time.monotonic() > deadline_s or first.refused():
                with self._lock:  # the caller publishes them again, or does not
                    told = set(waiting)
                    self._unacknowledged = [o for o in self._unacknowledged if o not in told]
                self._give_up(producer)
                raise DependencyError(
                    f"Kafka {self._servers}, topic {first.topic}: {len(waiting)} messages were "
                    f"not acknowledged: {first.said() or reason}"
                )
            self._give_up(producer)
            try:
                self._current()
            except DependencyError as error:
                reason = str(error)
                time.sleep(max(0.0, min(_AGAIN_S, deadline_s - time.monotonic())))

    def close(self) -> None:
        """Let go of the broker, waiting for what is under way no longer than the timeout."""
        with self._connecting:
            self._closed = True
            producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=self._timeout_s)
        except kafka.errors.KafkaError:
            # The broker is gone, and whoever needed the messages has called flush and knows. The
            # producer has given up closing before it ended its thread, which has no public way.
            producer._sender.force_close()
            producer.close(timeout=self._timeout_s)

    def _connect(self) -> Any:  # noqa: ANN401  kafka-python has no types
        half_ms = int(self._timeout_s * 500)
        how = connection(self._servers)
        return asking(
            self._servers,
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
                reconnect_backoff_max_ms=RECONNECT_MS,
                metrics_enabled=False,
            ),
        )

    def _current(self) -> Any:  # noqa: ANN401
        """Return the producer in use; if the last was given up, one that has what it had.

        Raises:
            DependencyError: that failed, now or a moment ago: nobody waits for each message.
        """
        producer = self._producer
        if producer is not None:
            return producer
        with self._connecting:
            if self._producer is None:
                if self._closed:
                    raise DependencyError(f"the publisher to Kafka {self._servers} is closed")
                if time.monotonic() - self._failed_s < _AGAIN_S:
                    raise DependencyError(f"Kafka {self._servers} did not answer a moment ago")
                try:
                    self._producer = self._connect()
                except DependencyError:
                    self._failed_s = time.monotonic()
                    raise
                with self._lock:
                    again = [one for one in self._unacknowledged if not one.acknowledged()]
                for one in again:
                    self._put(self._producer, one)
            return self._producer

    def _give_up(self, producer: Any) -> None:  # noqa: ANN401
        """Let go of a producer that does not send, unless somebody has done so."""
        with self._connecting:
            if producer is None or producer is not self._producer:
                return
            self._producer = None
        producer._sender.force_close()  # or else close would wait for what is never sent
        with suppress(kafka.errors.KafkaError):
            producer.close(timeout=_END_S)

    def _send(
        self, topic: str, key: str | None, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        # A key that was no UTF-8 when it was read goes back as the bytes that it was.
        raw_key = None if key is None else key.encode(errors="surrogateescape")
        sent = _Sent(f"{self._prefix}.{topic}", raw_key, value, headers, round(unix_s() * 1000))
        self._put(self._current(), sent)
        with self._lock:
            self._unacknowledged.append(sent)
            if len(self._unacknowledged) >= self._sweep_at or self._is_silent():
                self._sweep()
            silent = self._is_silent()
        if silent:  # who never flushes would not find out
            self._give_up(self._producer)
            self._current()

    def _is_silent(self) -> bool:
        """Return whether the oldest message has waited for too long."""
        held = self._unacknowledged
        return bool(held) and time.monotonic() - held[0].at_s > SILENCE_S

    def _put(self, producer: Any, sent: _Sent) -> None:  # noqa: ANN401
        sent.future, sent.at_s = None, time.monotonic()
        sent.future = asking(
            self._servers,
            f"topic {sent.topic}",
            lambda: producer.send(
                sent.topic,
                sent.value,
                key=sent.key,
                headers=sent.headers,
                timestamp_ms=sent.unix_ms,
            ),
        )

    def _await(self, producer: Any, wait_s: float) -> str:  # noqa: ANN401
        """Wait for acknowledgements; return why they did not come, if so."""
        try:
            asking(self._servers, "flushing", lambda: producer.flush(wait_s))
        except DependencyError as error:
            return str(error)
        return ""

    def _sweep(self) -> None:
        """Let go of what was acknowledged."""
        held = [one for one in self._unacknowledged if not one.acknowledged()]
        self._unacknowledged = held
        self._sweep_at = SWEEP_AT + 2 * len(held)  # not over and over again while a broker is slow


def _bytes_of(text: str) -> bytes:
    """Return a header's bytes: those it was read from, where they were no UTF-8."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # half a character that no bytes were read as
        return text.encode(errors="replace")
