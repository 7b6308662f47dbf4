"""The script that starts and stops the servers, and what it says where something is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from benchmarks import kafka_jars, real_servers
from benchmarks.real_servers import RealServers, missing
from services.embedded.probes import kafka_cluster, redis_process
from twin.errors import DependencyError


def script(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "benchmarks.real_servers", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


def port_of(address: str) -> int:
    return int(address.removesuffix("/0").rpartition(":")[2])


def test_it_starts_restarts_and_stops_from_one_process_to_another(
    spare_servers: RealServers, tmp_path: Path
) -> None:
    # Only to skip or fail as the others where a program is missing.
    where = ["--folder", str(tmp_path / "servers"), "--json"]
    told = json.loads(script("start", *where).stdout)
    try:
        assert json.loads(script("start", *where).stdout) == told  # once is enough
        cluster = kafka_cluster("127.0.0.1", port_of(told["kafka"]))
        again = json.loads(script("restart", "kafka", *where).stdout)
        assert (again["kafka"], again["pids"]["redis"]) == (told["kafka"], told["pids"]["redis"])
        assert again["pids"]["kafka"] != told["pids"]["kafka"]
        assert kafka_cluster("127.0.0.1", port_of(told["kafka"])) == cluster is not None
        assert redis_process("127.0.0.1", port_of(told["redis"])) == told["pids"]["redis"]
    finally:
        assert script("stop", *where).returncode == 0
    assert not any(map(real_servers._lives, again["pids"].values()))
    gone = script("stop", *where)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "no servers run" in gone.stderr


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without anything."""
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setenv(kafka_jars.VARIABLE, str(tmp_path / "jars"))


def test_what_is_missing_is_named_with_what_to_do(real: None, tmp_path: Path) -> None:
    why = missing() or ""
    for words in ("no java: install Java 17", "no mvn to bring Kafka's jars", "no redis-server"):
        assert words in why
    with pytest.raises(DependencyError, match="no java: install"):
        RealServers(tmp_path, redis=False).start()
    with pytest.raises(DependencyError, match="no redis-server: install"):
        RealServers(tmp_path, kafka=False).start()
    with pytest.raises(DependencyError, match=rf"no mvn .*{kafka_jars.VARIABLE}"):
        kafka_jars.kafka_jars()


def test_the_version_is_the_one_that_compose_pins(real: None) -> None:
    compose = yaml.safe_load(Path("docker-compose.yml").read_text())
    assert compose["services"]["kafka"]["image"].partition("@")[0] == (
        f"apache/kafka:{kafka_jars.VERSION}"
    )


def test_maven_that_fails_is_quoted(
    real: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho no such artefact; exit 1\n")
    maven.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda *_, **__: str(maven))
    with pytest.raises(DependencyError, match=r"could not bring Apache Kafka .*no such artefact"):
        kafka_jars.kafka_jars()
    assert not kafka_jars.kept()


def test_a_broker_that_cannot_start_says_why(spare_servers: RealServers, tmp_path: Path) -> None:
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=7\n")
    with pytest.raises(
        DependencyError, match=r"(?s)real kafka server ended with code 1.*node id 7"
    ):
        RealServers(tmp_path, redis=False).start()
    assert real_servers.noted(tmp_path) is None
