"""The event bus on Kafka's protocol, by kafka-python; see `services/bus.py` for the contract."""

from collections.abc import Sequence

from services.bus import PARTITIONS
from services.kafka_client import TIMEOUT_S, asking, kafka, reach
from services.kafka_publisher import KafkaPublisher
from services.kafka_subscriber import KafkaSubscriber

__all__ = ["KafkaPublisher", "KafkaSubscriber", "ensure_topics"]


def ensure_topics(
    servers: str, prefix: str, topics: Sequence[str], partitions: int = PARTITIONS
) -> None:
    """Create the topics that do not exist.

    Raises:
        DependencyError: the broker did not.
    """
    addresses = reach(servers)

    def create() -> None:
        admin = kafka.admin.KafkaAdminClient(
            bootstrap_servers=addresses, request_timeout_ms=int(TIMEOUT_S * 1000)
        )
        try:
            for topic in topics:  # one by one: a topic that exists must not hide another's error
                try:
                    # As many replicas as the cluster's default says.
                    admin.create_topics([kafka.admin.NewTopic(f"{prefix}.{topic}", partitions, -1)])
                except kafka.errors.TopicAlreadyExistsError:
                    continue
        finally:
            admin.close()

    asking(servers, f"creating topics {prefix}.*", create)
