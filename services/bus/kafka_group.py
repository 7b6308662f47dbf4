"""Reads messages from Kafka as one of a group, whose members come and go.

The broker shares the partitions out among those who are there, and again when one joins, leaves or
falls silent. What one has read and not committed by then, the next one reads again: nothing is
lost, and what both answer is the same. kafka-python tells of a change on its own thread, where
nobody may wait, so whoever has to leave cannot finish first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.bus.kafka_client import kafka
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.port import Place
from twin.errors import DependencyError

# A member that has not been heard of for so long has lost its partitions: the shortest that brokers
# allow by default. A loop that is stuck in a retry still sends its heartbeats.
SESSION_MS: Final = 6000
HEARTBEAT_MS: Final = 2000


class KafkaGroupMember(KafkaSubscriber):
    """Reads the partitions that the group's broker gives it; see `KafkaSubscriber`."""

    _OPTIONS: Mapping[str, int] = {
        "session_timeout_ms": SESSION_MS,
        "heartbeat_interval_ms": HEARTBEAT_MS,
    }

    def __init__(self, servers: str, prefix: str, topics: Sequence[str], group: str) -> None:
        self._names = [f"{prefix}.{topic}" for topic in topics]
        super().__init__(servers, prefix, topics, group)

    def _join(self) -> None:
        self._consumer.subscribe(topics=self._names, listener=_Listener(self))

    def commit(self, upto: Mapping[Place, int]) -> None:
        """Keep the offsets; of partitions that are another's by now, none."""
        try:
            super().commit(upto)
        except DependencyError as error:
            if not isinstance(error.__cause__, kafka.errors.CommitFailedError):
                raise

    def has(self, partitions: Sequence[Any]) -> None:
        """Take note of the partitions that are ours from now on."""
        self._mine = list(partitions)


class _Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, member: KafkaGroupMember) -> None:
        self._member = member

    def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ANN401, ARG002
        self._member.has(())

    def on_partitions_assigned(self, assigned: Any) -> None:  # noqa: ANN401
        self._member.has(assigned)
