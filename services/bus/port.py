"""The port of the event bus: a partitioned log that is written by key and read by groups.

The resume contract: a subscriber starts where its group has committed, or at the beginning. What
was read and not committed is read again by the group's next subscriber; so whoever publishes
results commits after they were flushed (law 3), and effects have to be idempotent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from twin.errors import InputError
from twin.events import Event

Place = tuple[str, int]  # topic and partition

PARTITIONS: Final = 4  # of each topic; more than two workers need on two cores: assumption
# Kafka takes 1 MiB for a batch by default (`message.max.bytes`). An event must fit, and fit again
# as a dead letter, whose headers say why it is one.
MAX_EVENT_BYTES: Final = 1_000_000
MAX_RAW_BYTES: Final = 1_040_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it was read."""

    topic: str  # without the twin's prefix
    partition: int
    offset: int
    key: str | None
    schema: str  # header "schema"; empty if there is none
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  # the others
    sent_unix_ms: int = 0  # the publisher's clock; telemetry, never part of an event
    fault: str = ""  # why a client could not read it whole; its value is empty then


class Publisher(Protocol):
    """Writes to the log. One loop owns a publisher; other threads may publish through it."""

    def publish(self, event: Event) -> None:
        """Send an event to its topic under its key, without waiting for the acknowledgement.

        Raises:
            InputError: the event is larger than `MAX_EVENT_BYTES`.
            DependencyError: the log cannot be reached.
        """
        ...

    def publish_raw(
        self, topic: str, key: str | None, schema: str, value: bytes, headers: Mapping[str, str]
    ) -> None:
        """Send bytes as they are, to any topic: for dead letters.

        Raises:
            InputError: there are more than `MAX_RAW_BYTES` of them.
            DependencyError: the log cannot be reached.
        """
        ...

    def flush(self) -> None:
        """Wait until everything sent since the last flush is acknowledged.

        Raises:
            DependencyError: something was not; the caller has to publish it again.
        """
        ...

    def close(self) -> None:
        """Let go of the log; what was not flushed may be lost."""
        ...


class Subscriber(Protocol):
    """Reads partitions of some topics in order, for a group. Belongs to one thread at a time."""

    def poll(self, max_messages: int, timeout_s: float) -> list[Message]:
        """Return the next messages; waits for the first one no longer than `timeout_s`.

        Raises:
            DependencyError: the log cannot be reached.
        """
        ...

    def commit(self, upto: Mapping[Place, int]) -> None:
        """Keep, per partition, the offset that the group reads next."""
        ...

    def seek(self, upto: Mapping[Place, int]) -> None:
        """Go to offsets of the caller's, wherever the group is; to the beginning where not given.

        For readers that keep their position with their results, as the mirror does.
        """
        ...

    def lag(self) -> dict[Place, int]:
        """Return, per partition, how many messages were not polled yet.

        It is 0 exactly when there are none; a broker that only knows that there are some may
        give too low a number. A negative one means that this log is shorter than the one that
        the position is from.
        """
        ...

    def committed(self) -> dict[Place, int]:
        """Return, per partition, the offset that the group reads next; 0 where it kept none."""
        ...

    def close(self) -> None:
        """Let go of the log, without committing anything."""
        ...


def ensure_size(topic: str, key: str | None, value: bytes, limit: int) -> None:
    """Refuse what the log would refuse.

    Raises:
        InputError: naming the topic, the key and both sizes.
    """
    if len(value) > limit:
        raise InputError(
            f"message {key} for topic {topic} has {len(value)} bytes, the limit is {limit}"
        )


def share_of(topic: str, partitions: Iterable[int], share: tuple[int, int]) -> list[Place]:
    """Return the places of a topic that belong to reader i of n: every n-th partition.

    Raises:
        InputError: there are more readers than partitions.

    >>> share_of("cases", range(4), (1, 2))
    [('cases', 1), ('cases', 3)]
    """
    turn, readers = share
    mine = [(topic, number) for number in sorted(partitions) if number % readers == turn]
    if not mine:
        raise InputError(f"reader {turn + 1} of {readers}: topic {topic} has no partition for it")
    return mine
