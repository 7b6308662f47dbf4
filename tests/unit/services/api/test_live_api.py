"""The API as a process, and against servers that go and come back."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median

import httpx
import pytest
from served import mirrored, serving
from stream_client import StreamClient, all_of, at_end, traffic

from services.bus.memory import MemoryBus
from services.embedded.servers import EmbeddedServers

pytestmark = pytest.mark.slow

SERVE = """
import sys
from pathlib import Path
from services.api.serve import serve
from services.config import Settings
from services.logs import open_log
home, redis, prefix, port = sys.argv[1:]
serve(
    Settings(home=Path(home), name=prefix, redis=redis), kafka="127.0.0.1:1", redis=redis,
    prefix=prefix, model_id=None, host="127.0.0.1", port=int(port), log=open_log(sys.stderr),
    told=lambda url: print(url, flush=True),
)
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextmanager
def process(home, redis_url, prefix, port):
    command = [sys.executable, "-c", SERVE, str(home), redis_url, prefix, str(port)]
    with (home / "log.jsonl").open("ab") as log:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=os.environ)
    try:
        assert child.stdout is not None
        url = child.stdout.readline().decode().strip()
        await_true(lambda: answers(url), 20)
        yield url, child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def answers(url):
    try:
        return httpx.get(f"{url}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def await_true(is_true, timeout_s):
    """Wait; return how long it took."""
    begun_s = time.monotonic()
    while not is_true():
        assert time.monotonic() - begun_s < timeout_s
        time.sleep(0.02)
    return time.monotonic() - begun_s


def test_a_reader_of_an_api_that_is_killed_misses_nothing_and_gets_nothing_twice(
    redis_url, prefix, tmp_path
):
    bus, port = MemoryBus(), free_port()
    with mirrored(redis_url, prefix, bus), traffic(bus, 0.005) as sender:
        with process(tmp_path, redis_url, prefix, port) as (url, child):
            clients = [StreamClient(url) for _ in range(2)]
            for client in clients:
                client.read(lambda one: one.got.total() >= 60)

            def killed(one):
                if one.got.total() == 150:
                    child.send_signal(signal.SIGKILL)
                return False

            assert clients[0].read(killed)
            child.wait()
        with process(tmp_path, redis_url, prefix, port) as (_, child):
            clients[0].read(lambda one: one.got.total() >= 300)
            sender.stop()
            for client in clients:
                client.read(lambda one: at_end(bus, one))
                assert client.lost == 0
                assert set(client.got) == all_of(bus)
                assert set(client.got.values()) == {1}
            # Asked to end, it lets go of who reads, and does not wait for them.
            begun_s = time.monotonic()

            def ended(one):
                if len(one.heartbeats) == beats + 1:
                    child.send_signal(signal.SIGTERM)
                return False

            beats = len(clients[0].heartbeats)
            assert clients[0].read(ended)
            assert child.wait(10) in (0, -signal.SIGTERM)  # uvicorn raises it again at its end
            assert time.monotonic() - begun_s < 4


def state_of(url):
    twin = httpx.get(f"{url}/v1/twin").json()
    return twin["state"], twin["freshness_s"]


def test_how_fresh_it_is_and_what_it_says_when_something_is_away(redis_url, tmp_path):
    """One test, so that servers are started once: late, stopped, gone, back, and back empty.

    Bounds are twice those of the benchmark `status_api`: this machine may do much else.
    """
    bus = MemoryBus()
    with (
        EmbeddedServers(kafka=False) as store,
        serving(store.redis_url, "t", tmp_path, bus) as (url, context),
        traffic(bus, 0.02),
    ):
        assert state_of(url) == ("starting", None)
        with mirrored(store.redis_url, "t", bus, delay_s=3.0):
            await_true(lambda: (state_of(url)[1] or 0) > 2.9, 20)
            ages = []
            for _ in range(20):
                state, age_s = state_of(url)
                assert state == "stale"
                ages.append(age_s)
                time.sleep(0.05)
            assert 2.5 <= median(ages) <= 3.5, ages
            client = StreamClient(url)
            client.read(lambda one: len(one.heartbeats) == 3)
            assert 2.5 <= median(one["freshness_s"] for one in client.heartbeats) <= 3.5
            assert all(one["state"] == "stale" for one in client.heartbeats)
        with mirrored(store.redis_url, "t", bus):
            await_true(lambda: state_of(url)[0] == "live", 20)
            ages = []
            for _ in range(20):
                ages.append(state_of(url)[1])
                time.sleep(0.05)
            assert median(ages) < 0.7, ages
        assert await_true(lambda: state_of(url)[0] == "stale", 20) < 4
        assert httpx.get(f"{url}/health/ready").status_code == 503
        with mirrored(store.redis_url, "t", bus) as mirror:
            await_true(lambda: state_of(url)[0] == "live", 20)
            os.kill(store.pids["redis"], signal.SIGSTOP)
            assert await_true(lambda: state_of(url)[0] == "unreachable", 20) < 4
            os.kill(store.pids["redis"], signal.SIGCONT)
            assert await_true(lambda: state_of(url)[0] == "live", 20) < 10
            assert context.history.begun == 1  # as it was
            before = context.history.revision
            os.kill(store.pids["redis"], signal.SIGKILL)
            assert await_true(lambda: state_of(url)[0] == "unreachable", 20) < 4
            time.sleep(1.0)  # long enough for patience that grows to have grown
            store.revive()
            assert await_true(lambda: state_of(url)[0] == "live", 20) < 10
            # It came back empty: all is folded again, from the log.
            assert context.history.begun == 2
            await_true(lambda: context.history.revision > before, 20)
            assert mirror.retries > 0
