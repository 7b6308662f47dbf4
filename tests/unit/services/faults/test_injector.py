"""Each fault does what it says to a real process or server, and is undone without a trace."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import redis

from services.embedded.servers import EmbeddedServers
from services.faults.drill_file import DrillFile
from services.faults.hands import NamedHand, StoreHand
from services.faults.injector import Injector, RefusedError
from services.faults.processes import freeze
from services.faults.proxy import Cable
from services.wall_clock import WallClock
from simulator.language.disturbances import Disturbance

WRITES = """
import pathlib, sys, time
for number in range(100000):
    try:
        with open(sys.argv[1], "a") as file:
            file.write("x")
        said = "written"
    except OSError as error:
        said = "refused"
    print(said, flush=True)
    time.sleep(0.01)
"""


@dataclass
class FakeTwin:
    redis: str = ""
    pids: dict[str, int] = field(default_factory=dict)

    def pid_of(self, name: str) -> int | None:
        return self.pids.get(name)


def asked(action: str, target: str, by_s: float | None = None) -> Disturbance:
    return Disturbance(at_s=0.0, for_s=None, action=action, target=target, by_s=by_s)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def store() -> Iterator[EmbeddedServers]:
    with EmbeddedServers(kafka=False) as servers:
        yield servers


def until(pid: int, status: str) -> None:
    deadline_s = time.monotonic() + 10
    while (psutil.Process(pid).status() == psutil.STATUS_STOPPED) != (status == "stopped"):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_killed_process_is_gone(sleeper: subprocess.Popen[bytes]) -> None:
    injector = Injector(FakeTwin(pids={"worker": sleeper.pid}))

    assert injector.carry_out(asked("kill", "worker")) is None

    assert sleeper.wait(10) == -signal.SIGKILL


def test_a_frozen_process_goes_on(sleeper: subprocess.Popen[bytes]) -> None:
    injector = Injector(FakeTwin(pids={"mirror": sleeper.pid}))

    undo = injector.carry_out(asked("freeze", "mirror"))
    until(sleeper.pid, "stopped")
    assert undo is not None
    undo()

    until(sleeper.pid, "running")


def test_a_frozen_process_goes_on_when_the_one_who_froze_it_is_killed(
    sleeper: subprocess.Popen[bytes],
) -> None:
    code = (
        "import sys, time\nfrom services.faults.processes import freeze\n"
        "undo = freeze(int(sys.argv[1]))\nprint('frozen', flush=True)\ntime.sleep(60)"
    )
    argv = [sys.executable, "-c", code, str(sleeper.pid)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as freezer:
        assert freezer.stdout is not None
        assert freezer.stdout.readline() == b"frozen\n"
        until(sleeper.pid, "stopped")
        freezer.kill()

    until(sleeper.pid, "running")


def test_a_process_that_was_started_anew_under_the_same_number_is_left_alone(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.faults.processes.started", lambda pid: "another")
    freeze(sleeper.pid)()

    assert psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED


def test_a_full_disk_refuses_a_child_to_write_and_nobody_else(tmp_path: Path) -> None:
    argv = [sys.executable, "-S", "-c", WRITES, str(tmp_path / "file")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        undo = Injector(FakeTwin(pids={"api": writer.pid})).carry_out(asked("fill", "disk"))
        while writer.stdout.readline() != b"refused\n":
            continue
        (tmp_path / "mine").write_text("x" * 100)
        assert undo is not None
        undo()
        while writer.stdout.readline() != b"written\n":
            continue
        writer.kill()


def test_redis_is_flushed_and_filled_where_it_is_ours(store: EmbeddedServers) -> None:
    twin = FakeTwin(redis=store.redis_url)
    injector = Injector(twin, hands={"redis": StoreHand(store)})
    client = redis.Redis.from_url(store.redis_url)
    client.set("key", "value")
    before = client.config_get("maxmemory*")

    undo = injector.carry_out(asked("fill", "redis"))
    with pytest.raises(redis.RedisError, match="maxmemory"):
        client.set("more", "value")
    assert undo is not None
    undo()
    client.set("more", "value")
    injector.carry_out(asked("flush", "redis"))

    assert client.config_get("maxmemory*") == before
    assert client.dbsize() == 0
    for action in ("flush", "fill", "restart"):
        with pytest.raises(RefusedError, match="not ours"):
            Injector(twin).carry_out(asked(action, "redis"))


class Named:
    """Servers that note what is done to them."""

    def __init__(self) -> None:
        self.pids, self.done = {"kafka": 7}, list[str]()

    def stop_one(self, name: str, *, kill: bool = False) -> None:
        self.done.append(f"{'kill' if kill else 'stop'} {name}")
        del self.pids[name]

    def start_one(self, name: str) -> None:
        self.done.append(f"start {name}")
        self.pids[name] = 8


def test_a_restart_stops_in_order_and_a_kill_does_not() -> None:
    servers = Named()
    injector = Injector(FakeTwin(), hands={"kafka": NamedHand(servers, "kafka")})

    injector.carry_out(asked("restart", "kafka"))
    injector.carry_out(asked("kill", "kafka"))

    assert servers.done == ["stop kafka", "start kafka", "kill kafka", "start kafka"]


def test_an_embedded_redis_is_waited_for_until_somebody_starts_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with EmbeddedServers(kafka=False) as store:
        hand = StoreHand(store)
        before = hand.pid
        hand.stop(kill=True)
        while store.alive()["redis"]:
            time.sleep(0.01)
        store.revive()
        hand.start()
        assert hand.pid != before
        redis.Redis.from_url(store.redis_url).ping()


def test_a_cable_is_pulled_and_plugged_in() -> None:
    with Cable() as cable:
        injector = Injector(FakeTwin(), cables={"kafka": cable})
        undo = injector.carry_out(asked("cut_off", "kafka"))
        assert cable.pulled
        assert undo is not None
        undo()
        assert not cable.pulled
        with pytest.raises(RefusedError, match="without a cable"):
            injector.carry_out(asked("cut_off", "redis"))


def test_orders_stand_in_the_file_as_long_as_they_hold(tmp_path: Path) -> None:
    orders = DrillFile(tmp_path / "drill.json")
    injector = Injector(FakeTwin(), orders=orders)
    mirror = WallClock(str(orders.path), "mirror")

    slow = injector.carry_out(asked("slow", "catboost", by_s=0.2))
    assert orders.path.read_text() == '{"catboost": {"slow_ms": 200.0}}\n'
    skew = injector.carry_out(asked("skew", "mirror", by_s=-300.0))
    assert mirror() == pytest.approx(time.time() - 300.0, abs=1.0)
    assert WallClock(str(orders.path), "worker")() == pytest.approx(time.time(), abs=1.0)
    assert slow is not None
    assert skew is not None
    slow()
    skew()
    assert orders.path.read_text() == "{}\n"
    orders.clear()
    assert not orders.path.exists()
    assert WallClock(str(orders.path), "mirror")() == pytest.approx(time.time(), abs=1.0)


def test_what_cannot_be_done_here_is_refused_with_the_reason() -> None:
    injector = Injector(FakeTwin(), refusals={"restart kafka": "its log is in memory"})

    with pytest.raises(RefusedError, match="its log is in memory"):
        injector.carry_out(asked("restart", "kafka"))
    with pytest.raises(RefusedError, match="no process now"):
        injector.carry_out(asked("kill", "worker"))
    with pytest.raises(RefusedError, match="not ours"):
        injector.carry_out(asked("freeze", "kafka"))
    with pytest.raises(RefusedError, match="DERMTWIN_DRILL"):
        injector.carry_out(asked("slow", "knn", by_s=0.1))
    with pytest.raises(RefusedError, match="nobody here sends"):
        injector.carry_out(asked("send", "corrupt"))
    assert os.getpid()  # and this process lives
