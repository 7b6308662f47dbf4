"""The broker of a benchmark: Apache Kafka where this machine has Java, else the embedded one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.real_servers import RealServers, missing
from services.embedded.servers import EmbeddedServers


@contextmanager
def broker_up() -> Iterator[tuple[str, str]]:
    """Yield a broker's address and its name, for the report."""
    if missing() is None:
        with (
            tempfile.TemporaryDirectory() as folder,
            RealServers(Path(folder), redis=False) as real,
        ):
            yield real.bootstrap_servers, "Apache Kafka"
    else:
        with EmbeddedServers(redis=False) as embedded:
            yield embedded.bootstrap_servers, "embedded"
