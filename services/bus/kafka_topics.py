"""The topics of the event bus on Kafka; `kafka_publisher` writes them, `kafka_subscriber` reads."""

from collections.abc import Sequence
from typing import Final

from services.bus.kafka_client import TIMEOUT_S, asking, connection, kafka
from services.bus.port import PARTITIONS

# The time of a message is the broker's: one clock for all, and nobody is refused for a wrong one.
# (The embedded broker takes the sender's, which is the same machine's.)
_CONFIGS: Final = {"message.timestamp.type": "LogAppendTime"}


def ensure_topics(
    servers: str,
    prefix: str,
    topics: Sequence[str],
    partitions: int = PARTITIONS,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Create the topics that do not exist.

    Raises:
        DependencyError: the broker did not.
    """

    def create() -> None:
        admin = _admin(servers, timeout_s)
        # As many replicas as the cluster's default says.
        wanted = [
            kafka.admin.NewTopic(f"{prefix}.{topic}", partitions, -1, topic_configs=_CONFIGS)
            for topic in topics
        ]
        try:
            try:
                admin.create_topics(wanted)  # a broker on disk takes as long for one as for all
                return
            except kafka.errors.TopicAlreadyExistsError:
                pass
            for one in wanted:  # one by one: a topic that exists must not hide another's error
                try:
                    admin.create_topics([one])
                except kafka.errors.TopicAlreadyExistsError:
                    continue
        finally:
            admin.close()

    asking(servers, f"creating topics {prefix}.*", create)


def delete_topics(
    servers: str, prefix: str, topics: Sequence[str], timeout_s: float = TIMEOUT_S
) -> None:
    """Delete the topics that exist, with all that is on them.

    Raises:
        DependencyError: the broker did not.
    """

    def delete() -> None:
        admin = _admin(servers, timeout_s)
        try:
            for topic in topics:
                try:
                    admin.delete_topics([f"{prefix}.{topic}"])
                except kafka.errors.UnknownTopicOrPartitionError:
                    continue
        finally:
            admin.close()

    asking(servers, f"deleting topics {prefix}.*", delete)


def _admin(servers: str, timeout_s: float) -> kafka.admin.KafkaAdminClient:
    return kafka.admin.KafkaAdminClient(
        **connection(servers),
        request_timeout_ms=int(timeout_s * 1000),
        bootstrap_timeout_ms=int(timeout_s * 1000),
    )
