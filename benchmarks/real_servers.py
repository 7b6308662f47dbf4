"""Apache Kafka and Redis as they are used in earnest: on disk, on loopback, started and stopped.

    python -m benchmarks.real_servers start --folder F [--json]
    python -m benchmarks.real_servers restart kafka --folder F
    python -m benchmarks.real_servers stop --folder F

Kafka is a broker and controller in one process (KRaft), its jars from `benchmarks/kafka_jars.py`;
Redis is the machine's own `redis-server`. As a class they end with their process, by the guard of
the embedded servers; from the command line a keeper in the background has them until `stop`.
"""

import argparse
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

from benchmarks.kafka_jars import kafka_jars, kept
from services.embedded.probes import kafka_cluster, redis_process
from services.embedded.programs import HOST, Server, choose_ports
from services.embedded.servers import EmbeddedServers
from twin.errors import DependencyError

NAMES: Final = ("kafka", "redis")
START_TIMEOUT_S: Final = 60.0  # Kafka answers after 3 s; after kill -9 it looks through its log
STOP_TIMEOUT_S: Final = 30.0  # Kafka leaves in order within a second: assumption for a busy machine
STATE: Final = "servers.json"
# What starts fastest; a broker of a test is compiled by C1 alone and needs no parallel collector.
_JVM: Final = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_QUIET: Final = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
_PROPERTIES: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
log.dirs={data}
auto.create.topics.enable=false
log.retention.hours=-1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


def missing() -> str | None:
    """Return what this machine lacks for real servers, and what to do; None if it has all."""
    lacks = []
    if _java() is None:
        lacks.append("no java: install Java 17 or newer (Debian: openjdk-17-jre-headless)")
    if not kept() and shutil.which("mvn") is None:
        lacks.append("no mvn to bring Kafka's jars: install Maven (Debian: maven)")
    if shutil.which("redis-server") is None:
        lacks.append("no redis-server: install Redis (Debian: redis-server)")
    return "; ".join(lacks) or None


class RealServers:
    """Runs Apache Kafka and Redis until it is stopped or its process ends.

    Parameters:
        folder: what they keep on disk; a broker that is started on it again has its log.
        kafka, redis: which of the two to run.
    """

    def __init__(self, folder: Path, *, kafka: bool = True, redis: bool = True) -> None:
        self.folder = folder.resolve()
        self._wanted = [name for name, wish in (("redis", redis), ("kafka", kafka)) if wish]
        self._running: dict[str, EmbeddedServers] = {}
        self._address: dict[str, str] = {}
        self._port: dict[str, int] = {}
        self._controller_port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """Address of the Kafka broker, whether it runs or not."""
        return self._address["kafka"]

    @property
    def redis_url(self) -> str:
        """Address of the Redis server, whether it runs or not."""
        return self._address["redis"]

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of those that run."""
        return {name: one.pids[name] for name, one in self._running.items()}

    def alive(self) -> dict[str, bool]:
        """Return which of the servers run."""
        return {
            name: name in self._running and self._running[name].alive()[name]
            for name in self._wanted
        }

    def start(self) -> None:
        """Start the servers and wait until they answer.

        Raises:
            DependencyError: a program is missing, or a server does not come up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            for name in self._wanted:
                self.start_one(name)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End those that run."""
        for name in list(self._running):
            self.stop_one(name)

    def start_one(self, name: str) -> None:
        """Start one that does not run, at its port if it had one, on what it had on disk."""
        port = self._port.get(name)
        server = EmbeddedServers(
            kafka=name == "kafka",
            redis=name == "redis",
            kafka_port=port,
            redis_port=port,
            timeout_s=START_TIMEOUT_S,
            programs={"kafka": self._kafka, "redis": self._redis},
            kind="real",
        )
        server.start()
        self._running[name] = server
        self._address[name] = server.redis_url if name == "redis" else server.bootstrap_servers

    def stop_one(self, name: str, *, kill: bool = False) -> None:
        """End one, in order or by SIGKILL, and wait until it is gone; one that ended may be."""
        server = self._running.pop(name, None)
        if server is None:
            return
        if server.alive()[name]:
            os.kill(server.pids[name], signal.SIGKILL if kill else signal.SIGTERM)
            deadline_s = time.monotonic() + STOP_TIMEOUT_S
            while server.alive()[name] and time.monotonic() < deadline_s:
                time.sleep(0.01)
        server.stop()

    def _kafka(self, port: int) -> Server:
        java = _java()
        if java is None:
            raise DependencyError(missing() or "")
        classes = f"{kafka_jars()}/*"
        home = self.folder / "kafka"
        data, properties = home / "data", home / "server.properties"
        self._port["kafka"] = port
        self._controller_port = (
            self._controller_port or choose_ports({"controller": None}).popitem()[1]
        )
        home.mkdir(exist_ok=True)
        properties.write_text(
            _PROPERTIES.format(host=HOST, port=port, controller=self._controller_port, data=data)
        )
        if not (data / "meta.properties").is_file():
            _format(java, classes, properties)
        cluster = _cluster_of(data)
        return Server(
            name="kafka",
            port=port,
            argv=[java, *_JVM, _QUIET, "-cp", classes, "kafka.Kafka", str(properties)],
            stop=signal.SIGTERM,
            answers=lambda _pid: kafka_cluster(HOST, port) == cluster,
        )

    def _redis(self, port: int) -> Server:
        program = shutil.which("redis-server")
        if program is None:
            raise DependencyError(missing() or "")
        self._port["redis"] = port
        argv = [program, "--bind", HOST, "--port", str(port), "--dir", str(self.folder)]
        return Server(
            name="redis",
            port=port,
            argv=[*argv, "--save", "", "--appendonly", "no"],
            stop=signal.SIGTERM,
            answers=lambda pid: pid is not None and redis_process(HOST, port) == pid,
        )


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None)


def _format(java: str, classes: str, properties: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # A text that begins with a dash would be an option.
    cluster = cluster.replace("-", "A")
    argv = [java, *_JVM, _QUIET, "-cp", classes, "kafka.tools.StorageTool"]
    argv += ["format", "--cluster-id", cluster, "--config", str(properties)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-1000:]
        old = "it needs Java 17 or newer: " if "UnsupportedClassVersionError" in said else ""
        raise DependencyError(f"Kafka could not format {properties.parent}: {old}{said}")


def _cluster_of(data: Path) -> str:
    lines = (data / "meta.properties").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))


class _Keeper:
    """Has the servers until it is told to end; signals ask it for what others cannot do."""

    ASKS: Final = {signal.SIGUSR1: "kafka", signal.SIGUSR2: "redis"}

    def __init__(self, folder: Path) -> None:
        self._servers = RealServers(folder)
        self._state = folder / STATE
        self._restarts = 0

    def run(self) -> None:
        wishes = {signal.SIGTERM, signal.SIGINT, *self.ASKS}
        # Before anything is started: a signal that comes early is kept for later.
        signal.pthread_sigmask(signal.SIG_BLOCK, wishes)
        with self._servers:
            self._note()
            while (wish := signal.sigwait(wishes)) in self.ASKS:
                name = self.ASKS[signal.Signals(wish)]
                self._servers.stop_one(name)
                self._servers.start_one(name)
                self._restarts += 1
                self._note()
        self._state.unlink()

    def _note(self) -> None:
        told = {
            "kafka": self._servers.bootstrap_servers,
            "redis": self._servers.redis_url,
            "pids": self._servers.pids | {"keeper": os.getpid()},
            "restarts": self._restarts,
        }
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(told))
        fresh.replace(self._state)


def noted(folder: Path) -> dict[str, object] | None:
    """Return what the keeper of a folder has noted; None where none is alive."""
    try:
        told: dict[str, dict[str, int]] = json.loads((folder / STATE).read_text())
    except FileNotFoundError:
        return None
    return dict(told) if _lives(told["pids"]["keeper"]) else None


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _start(folder: Path) -> dict[str, object]:
    if (told := noted(folder)) is not None:
        return told
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "keeper.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.real_servers", "keep", "--folder", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=Path(__file__).parents[1],
        )
    while keeper.poll() is None:
        told = noted(folder)
        # An older note can have the id of a process that lives again.
        if told is not None and told["pids"]["keeper"] == keeper.pid:  # type: ignore[index]
            return told
        time.sleep(0.02)
    raise DependencyError(log.read_text().strip() or f"the keeper ended with {keeper.returncode}")


def _asked(folder: Path, wish: signal.Signals) -> dict[str, object] | None:
    """Send the keeper a signal; return what it has noted when that is done, None if it ended."""
    told = noted(folder)
    if told is None:
        raise DependencyError(f"no servers run in {folder}")
    keeper: int = told["pids"]["keeper"]  # type: ignore[index]
    os.kill(keeper, wish)
    while _lives(keeper):
        fresh = noted(folder)
        if fresh is not None and fresh["restarts"] != told["restarts"]:
            return fresh
        time.sleep(0.02)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("start", "stop", "restart", "keep"))
    parser.add_argument("name", nargs="?", choices=NAMES, help="which to restart")
    parser.add_argument("--folder", type=Path, required=True, help="what they keep on disk")
    parser.add_argument("--json", action="store_true", help="print addresses and process ids so")
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    try:
        if asked.what == "keep":
            _Keeper(folder).run()
            return
        if asked.what == "stop":
            _asked(folder, signal.SIGTERM)
            return
        if asked.what == "start":
            told = _start(folder)
        else:
            if asked.name is None:
                parser.error("restart which: kafka or redis?")
            told = _asked(folder, {n: s for s, n in _Keeper.ASKS.items()}[asked.name])
        if told is None:
            raise DependencyError(f"the keeper has ended: see {folder / 'keeper.log'}")
    except DependencyError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    if asked.json:
        print(json.dumps(told))
    else:
        print(f"KAFKA_BOOTSTRAP_SERVERS={told['kafka']}\nREDIS_URL={told['redis']}")


if __name__ == "__main__":
    main()
