"""Embedded servers: Tansu for Kafka's protocol and Valkey for Redis', on the loopback interface.

Both keep everything in memory and live exactly as long as the `EmbeddedServers` that started
them: `services/embedded/guard.py` is their parent and ends them however this process ends. They
run in a session of their own, so that Ctrl-C reaches this process alone.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from services.embedded.programs import HOST, SERVERS, VARIABLE, Server, choose_ports, refusal_of
from twin.errors import DependencyError, InvariantError

START_TIMEOUT_S: Final = 20.0  # both answer within 50 ms on an idle machine: assumption
STOP_TIMEOUT_S: Final = 10.0  # the guard kills after 2 s; this is for a stalled machine
_PORT_TRIES: Final = 5  # a free port can be taken before the server binds it: assumption
_RETRY_S: Final = 0.004
_GUARD: Final = Path(__file__).with_name("guard.py")


class EmbeddedServers:
    """Runs the servers while the block lasts.

    Parameters:
        kafka, redis: which of the two to run.
        kafka_port, redis_port: a port to use; any free one if None.
        timeout_s: how long they may take to answer.
        programs: what to run for each name, given the port.
        kind: what messages call them.

    Raises:
        DependencyError: a port is in use, a program is missing, or a server does not come up; the
            message says which and holds the end of its output.
    """

    def __init__(
        self,
        *,
        kafka: bool = True,
        redis: bool = True,
        kafka_port: int | None = None,
        redis_port: int | None = None,
        timeout_s: float = START_TIMEOUT_S,
        programs: Mapping[str, Callable[[int], Server]] = SERVERS,
        kind: str = "embedded",
    ) -> None:
        self._programs, self._kind = programs, kind
        wanted = {"kafka": (kafka, kafka_port), "redis": (redis, redis_port)}
        self._given: dict[str, int | None] = {
            name: port for name, (wish, port) in wanted.items() if wish
        }
        self._timeout_s = timeout_s
        self._guard: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None
        self._heard = b""
        self._ports: dict[str, int] = {}
        self._pids: dict[str, int] = {}
        self._ended: dict[str, str] = {}  # server -> why

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
        """Address of the Kafka broker."""
        return f"{HOST}:{self._port('kafka')}"

    @property
    def redis_url(self) -> str:
        """Address of the Redis server."""
        return f"redis://{HOST}:{self._port('redis')}/0"

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the servers and of their guard."""
        return self._pids | ({"guard": self._guard.pid} if self._guard else {})

    def start(self) -> None:
        """Start the servers and wait until they answer."""
        for name, port in self._given.items():
            refusal = None if port is None else refusal_of(port)
            if refusal is not None:
                raise DependencyError(
                    f"port {port} for the {self._kind} {name} server: {refusal}. End what listens "
                    f"there, choose another port, or set {VARIABLE[name]} to use that server"
                )
        for tries_left in reversed(range(_PORT_TRIES)):
            self._ports = choose_ports(self._given)
            try:
                self._start_once([self._programs[name](port) for name, port in self._ports.items()])
                return
            except DependencyError as error:
                taken = "in use" in str(error)  # both servers quote the system's "address in use"
                if not (tries_left and taken and None in self._given.values()):
                    raise

    def stop(self) -> None:
        """End the servers and wait for it; does nothing if they do not run."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        with guard:  # closes the pipes; the end of its standard input tells the guard to stop
            assert guard.stdin is not None
            guard.stdin.close()
            try:
                guard.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                guard.kill()  # and the kernel ends the servers
        if self._directory is not None:  # the guard removes it, unless it was killed
            shutil.rmtree(self._directory, ignore_errors=True)

    def revive(self) -> None:
        """Start what has ended again, all servers anew, at the addresses that they had.

        Raises:
            DependencyError: they do not start.
        """
        self._given = dict(self._ports)
        self.stop()
        self.start()

    def alive(self) -> dict[str, bool]:
        """Return which of the servers run."""
        self._listen()
        return {name: name not in self._ended for name in self._pids}

    def check(self) -> None:
        """Raise if a server has ended unasked.

        Raises:
            DependencyError: with its name, exit code and last output.
        """
        self._listen()
        for why in self._ended.values():
            raise DependencyError(why)

    def _port(self, name: str) -> int:
        if name not in self._ports:
            raise InvariantError(f"no {self._kind} {name} server was started")
        return self._ports[name]

    def _start_once(self, servers: list[Server]) -> None:
        directory = self._directory = Path(tempfile.mkdtemp(prefix="dermtwin-servers-"))
        logs = {server.name: directory / f"{server.name}.log" for server in servers}
        order = {
            "parent": os.getpid(),
            "directory": str(directory),
            "servers": [
                {"name": s.name, "argv": s.argv, "log": str(logs[s.name]), "stop": s.stop}
                for s in servers
            ],
        }
        self._heard, self._pids, self._ended = b"", {}, {}
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=_environment(),
        )
        assert self._guard.stdout is not None
        os.set_blocking(self._guard.stdout.fileno(), False)
        try:
            self._await(servers, logs)
        except BaseException:
            self.stop()
            raise

    def _await(self, servers: list[Server], logs: dict[str, Path]) -> None:
        deadline_s = time.monotonic() + self._timeout_s
        waiting = servers
        while waiting:
            self.check()
            waiting = [
                server for server in waiting if not server.answers(self._pids.get(server.name))
            ]
            if waiting and time.monotonic() > deadline_s:
                late = waiting[0]
                log = logs[late.name]
                tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
                raise DependencyError(
                    f"the {self._kind} {late.name} server did not answer on {HOST}:{late.port} "
                    f"within {self._timeout_s:g} s; "
                    f"its output ends with: {tail.strip() or '(nothing)'}"
                )
            if waiting:
                time.sleep(_RETRY_S)
        self.check()

    def _listen(self) -> None:
        """Take in what the guard has reported since the last time."""
        if self._guard is None:
            return
        assert self._guard.stdout is not None
        while chunk := self._guard.stdout.read(65536):
            self._heard += chunk
        *lines, self._heard = self._heard.split(b"\n")
        for report in map(json.loads, lines):
            if "started" in report:
                self._pids = report["started"]
            else:
                self._ended[report["exited"]] = _obituary(report, self._kind)
        if chunk == b"":  # end of file, where None would be silence
            for name in self._given:
                why = f"the guard of the {self._kind} {name} server has ended"
                self._ended.setdefault(name, why)


def _obituary(report: dict[str, Any], kind: str) -> str:
    tail = str(report["tail"]).strip() or "(nothing)"
    return (
        f"the {kind} {report['exited']} server ended with code {report['code']}; "
        f"its output ends with: {tail}"
    )


def _environment() -> dict[str, str]:
    # Tansu takes options from the environment, too; those that argv does not fix are kept from it.
    theirs = ("SCHEMA_REGISTRY", "OTEL_EXPORTER_OTLP_ENDPOINT")
    ours = {name: value for name, value in os.environ.items() if name not in theirs}
    return ours | {"RUST_LOG": "warn", "NO_COLOR": "1"}
