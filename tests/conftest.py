"""Servers for the tests that need them: one pair a session, told apart by prefixes."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from services.embedded.servers import EmbeddedServers

# A busy machine is no failure; pytest's own time-out ends what hangs.
hypothesis.settings.register_profile("dermtwin", deadline=None)
hypothesis.settings.load_profile("dermtwin")


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    with EmbeddedServers() as embedded:
        yield embedded


@pytest.fixture(scope="session")
def kafka_servers(servers: EmbeddedServers) -> str:
    return servers.bootstrap_servers


@pytest.fixture(scope="session")
def redis_url(servers: EmbeddedServers) -> str:
    return servers.redis_url


@pytest.fixture
def spare_broker() -> Iterator[EmbeddedServers]:
    """A broker for one test, which may stop or kill it."""
    with EmbeddedServers(redis=False) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def home_of_real_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model of the real images is kept: to learn it takes a minute and a half."""
    return tmp_path_factory.mktemp("home-of-real-images")


@pytest.fixture
def prefix() -> str:
    """Of topics and keys that nobody else has."""
    return f"test-{uuid.uuid4().hex[:12]}"
