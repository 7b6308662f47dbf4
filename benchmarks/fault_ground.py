"""What the twin of the fault matrix stands on: servers of ours, with a cable before each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from services.embedded.servers import EmbeddedServers
from services.faults.hands import OwnRedis, ServerHand
from services.faults.proxy import HOST, Cable

Kind = Literal["real", "embedded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Servers, reached by the twin through the cables and by everybody else directly."""

    kafka: str  # direct
    redis: str
    twin_kafka: str  # through the cable
    twin_redis: str
    hands: Mapping[str, ServerHand]
    cables: Mapping[str, Cable]
    refusals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrozenHand:
    """An embedded broker: it may be frozen, and must not end."""

    broker: EmbeddedServers

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self.broker.pids.get("kafka")

    def stop(self, *, kill: bool) -> None:
        """Refuse."""
        raise NotImplementedError("the embedded broker keeps its log in memory")

    def start(self) -> None:
        """Refuse."""
        raise NotImplementedError("the embedded broker keeps its log in memory")


@contextmanager
def ground(kind: Kind, folder: Path) -> Iterator[Ground]:
    """Start servers and cables, and take them down, however the block ends."""
    with _real(folder) if kind == "real" else _embedded() as made:
        yield made


@contextmanager
def _embedded() -> Iterator[Ground]:
    memory = "the embedded broker keeps its log in memory"
    one = "the embedded broker has one listener, which is the load's, too"
    with (
        EmbeddedServers(redis=False) as broker,
        EmbeddedServers(kafka=False) as store,
        Cable(target_of(store.redis_url)) as redis,
    ):
        yield Ground(
            kafka=broker.bootstrap_servers,
            redis=store.redis_url,
            twin_kafka=broker.bootstrap_servers,
            twin_redis=f"redis://{redis.address}/0",
            hands={"redis": OwnRedis(store), "kafka": FrozenHand(broker)},
            cables={"redis": redis},
            refusals={"restart kafka": memory, "cut_off kafka": one},
        )


@contextmanager
def _real(folder: Path) -> Iterator[Ground]:
    from benchmarks.cabled_servers import CabledServers
    from services.faults.hands import NamedHand

    with (
        Cable() as kafka,
        CabledServers(folder, kafka) as servers,
        Cable(target_of(servers.redis_url)) as redis,
    ):
        yield Ground(
            kafka=servers.bootstrap_servers,
            redis=servers.redis_url,
            twin_kafka=kafka.address,
            twin_redis=f"redis://{redis.address}/0",
            hands={name: NamedHand(servers, name) for name in ("kafka", "redis")},
            cables={"kafka": kafka, "redis": redis},
        )


def target_of(address: str) -> tuple[str, int]:
    """Return host and port of an address.

    >>> target_of("redis://127.0.0.1:6379/0"), target_of("127.0.0.1:9092")
    (('127.0.0.1', 6379), ('127.0.0.1', 9092))
    """
    port = address.rpartition(":")[2].partition("/")[0]
    return HOST, int(port)
