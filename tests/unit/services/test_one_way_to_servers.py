"""Whoever speaks to Kafka or Redis does so with the password and TLS that the environment says."""

import re
from pathlib import Path

SOURCES = {
    str(path): path.read_text()
    for package in ("services", "actors", "simulator")
    for path in Path(package).rglob("*.py")
}


def test_redis_clients_are_made_in_one_place() -> None:
    made = re.compile(r"\bRedis\(|\bfrom_url\(|\bConnectionPool\(|\bStrictRedis\(")
    makers = [path for path, text in SOURCES.items() if made.search(text)]
    assert makers == ["services/redis_client.py"]


def test_kafka_clients_know_how_to_connect() -> None:
    made = re.compile(r"kafka\.(?:admin\.)?Kafka(?:Producer|Consumer|AdminClient)\(\s*(\S+)")
    found = {path: made.findall(text) for path, text in SOURCES.items() if made.search(text)}
    assert len(found) == 3
    for path, first in found.items():
        assert set(first) <= {"**how,", "**connection(servers),"}, path
