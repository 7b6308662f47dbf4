"""Reads messages from Kafka as one of a group, whose members come and go.

The broker shares the partitions out among those who are there, and again when one joins, leaves or
falls silent. Who has to give partitions up first finishes what it has of them, so the next one
begins where it ended; of one that died, what was not committed is read again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from services.bus.kafka_client import kafka
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.port import Place

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
        self.on_leaving: Callable[[], None] = _nothing  # finishes what was read and not committed
        self._prefix, self._topics = prefix, topics
        super().__init__(servers, prefix, topics, group)

    def _join(self) -> None:
        names = [f"{self._prefix}.{topic}" for topic in self._topics]
        self._consumer.subscribe(topics=names, listener=_Listener(self))

    def commit(self, upto: Mapping[Place, int]) -> None:
        """Keep the offsets; where the group has gone on without us, another reads them again."""
        try:
            super().commit(upto)
        except Exception as error:
            if not isinstance(error.__cause__, kafka.errors.CommitFailedError):
                raise

    def taken(self, partitions: Sequence[Any]) -> None:
        """Take note of the partitions that are ours from now on."""
        self._mine = list(partitions)

    def leaving(self) -> None:
        """Finish what we have before others take over."""
        if self._mine:
            self.on_leaving()


class _Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, member: KafkaGroupMember) -> None:
        self._member = member

    def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ANN401, ARG002
        self._member.leaving()

    def on_partitions_assigned(self, assigned: Any) -> None:  # noqa: ANN401
        self._member.taken(assigned)


def _nothing() -> None:
    """Have nothing to finish."""
