"""The same tests on Apache Kafka and Redis: the fixtures of the servers are other ones here.

Modules here take over the tests of modules elsewhere; of those only the tests that ask for servers
are run again.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.real_servers import RealServers, missing, noted

# The folder of servers that `python -m benchmarks.real_servers start` has started.
RUNNING = "DERMTWIN_REAL_SERVERS"
ASK_FOR_SERVERS = {"servers", "kafka_servers", "redis_url", "spare_servers", "real"}
HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not ask for servers: it has been run where it comes from."""
    left_out = [one for one in items if HERE in one.path.parents and not _asks(one)]
    items[:] = [one for one in items if one not in left_out]
    for one in items:
        if HERE in one.path.parents:
            one.add_marker(pytest.mark.real)


def _asks(item: pytest.Item) -> bool:
    of_memory = {"memory", "direct", "inprocess", "ray"}  # parameters of tests that have others
    callspec = getattr(item, "callspec", None)
    if callspec is not None and not of_memory.isdisjoint(map(str, callspec.params.values())):
        return False
    return not ASK_FOR_SERVERS.isdisjoint(getattr(item, "fixturenames", ()))


def ensure_programs() -> None:
    """Skip where a program is missing, and say which; fail in CI, which must have all."""
    why = missing()
    if why is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The servers that run already, or a pair of this session's own."""
    folder = os.environ.get(RUNNING)
    if folder is not None:
        told = noted(Path(folder))
        assert told is not None, f"{RUNNING}={folder}: no servers run there"
        yield SimpleNamespace(bootstrap_servers=told["kafka"], redis_url=told["redis"])
        return
    ensure_programs()
    with RealServers(tmp_path_factory.mktemp("real-servers")) as real:
        yield real


@pytest.fixture(scope="session")
def _spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServers]:
    ensure_programs()
    with RealServers(tmp_path_factory.mktemp("spare-servers")) as real:
        yield real


@pytest.fixture
def spare_servers(_spare: RealServers) -> RealServers:
    """Servers that a test may stop or kill; the broker has its log still when it is back."""
    for name, runs in _spare.alive().items():
        if not runs:
            _spare.stop_one(name)
            _spare.start_one(name)
    return _spare


@pytest.fixture
def spare_broker(spare_servers: RealServers) -> RealServers:
    return spare_servers
