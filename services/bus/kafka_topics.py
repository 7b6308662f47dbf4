"""The topics of the event bus on Kafka; `kafka_publisher` writes them, `kafka_subscriber` reads."""

from collections.abc import Sequence

from services.bus.kafka_client import TIMEOUT_S, asking, kafka, reach
from services.bus.port import PARTITIONS


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
    addresses = reach(servers)

    def create() -> None:
        admin = kafka.admin.KafkaAdminClient(
            bootstrap_servers=addresses,
            request_timeout_ms=int(timeout_s * 1000),
            bootstrap_timeout_ms=int(timeout_s * 1000),
        )
        # As many replicas as the cluster's default says.
        wanted = [kafka.admin.NewTopic(f"{prefix}.{topic}", partitions, -1) for topic in topics]
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
