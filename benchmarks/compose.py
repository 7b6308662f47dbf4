"""Runs what docker-compose.yml runs, in its order and with its health checks, without Docker.

    python -m benchmarks.compose [SERVICE ...]

Kafka is Apache's from its jars, Redis the machine's own; the rest are the file's own commands,
with names and paths of this machine. It prints how long each took until it was well. Models of
DERMTWIN_HOME are taken over; without one, the model service trains it.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psutil

from benchmarks.compose_file import ComposeFile, Place
from services.embedded.programs import HOST, choose_ports

ROOT: Final = Path(__file__).parents[1]
WELL_S: Final = 600.0  # a model is trained, and actors load TensorFlow: assumption
PASSWORD: Final = "redis_password"  # noqa: S105  the name of the file


class Composed:
    """Services of the file as processes; they end with the block.

    Parameters:
        folder: for volumes, and what they print; a short path, for Ray's sockets are in it.
        kafka: address of a broker.
    """

    def __init__(self, folder: Path, kafka: str) -> None:
        self.folder = folder
        secret = folder / PASSWORD
        secret.write_text(secrets.token_hex(16) + "\n")
        self.password = secret.read_text().strip()
        self.ports = {
            name: int(port or 0)
            for name, port in choose_ports(dict.fromkeys(("redis", "ray", "api"))).items()
        }
        for name in ("home", "redis", "images", "ray"):
            (folder / name).mkdir(exist_ok=True)
        self.file = ComposeFile(
            ROOT / "docker-compose.yml", {**os.environ, "REDIS_PASSWORD_FILE": str(secret)}
        )
        redis = f"--bind {HOST} --port {self.ports['redis']}"
        self.place = Place(
            self.file,
            {
                "kafka:9092": kafka,
                "redis:6379": f"{HOST}:{self.ports['redis']}",
                "ray-head:6379": f"{HOST}:{self.ports['ray']}",
                "127.0.0.1:6379": f"{HOST}:{self.ports['ray']}",
                "--port=6379": f"--port={self.ports['ray']}",
                "redis-server -": f"redis-server - {redis}",
                "redis-cli": f"redis-cli -p {self.ports['redis']}",
                "/run/secrets/redis_password": str(secret),
                "/var/lib/dermtwin": str(folder / "home"),
                "dir /data": f"dir {folder / 'redis'}",
                "/data": str(folder / "images"),
                "0.0.0.0": HOST,  # noqa: S104  as it is published
                "8765": str(self.ports["api"]),
            },
        )
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Composed":
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        # Ray's own processes are nobody's children; all name the folder they work in.
        for one in psutil.process_iter(["cmdline"]):
            if any(str(self.folder / "ray") in word for word in one.info["cmdline"] or ()):
                one.kill()

    def start(self, service: str) -> None:
        """Start a service."""
        with self._output(service).open("wb") as stream:
            self.processes[service] = subprocess.Popen(
                self.place.command(service),
                env=self.environment(service),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

    def environment(self, service: str) -> dict[str, str]:
        """Return the environment of a service here."""
        apart = {"RAY_TMPDIR": str(self.folder / "ray"), "HOME": str(self.folder)}
        return self.place.environment(service) | apart

    def await_well(self, service: str, timeout_s: float = WELL_S) -> float:
        """Wait until a service is well, or done if it has no health check; return the seconds."""
        started_s, process = time.monotonic(), self.processes[service]
        checked = "test" in self.file.services[service]["healthcheck"]
        while True:
            code = process.poll()
            if code is not None and (checked or code):
                raise RuntimeError(f"{service} ended with {code}: {self.output(service)[-2000:]}")
            if not checked and code == 0:
                break
            if checked and self.check(service).returncode == 0:
                break
            if time.monotonic() - started_s > timeout_s:
                said = self.check(service).stderr if checked else ""
                raise RuntimeError(f"{service} is not well: {said} {self.output(service)[-2000:]}")
            time.sleep(0.2)
        return time.monotonic() - started_s

    def check(self, service: str) -> "subprocess.CompletedProcess[str]":
        """Run the health check of a service once."""
        return subprocess.run(
            self.place.health(service),
            env=self.environment(service),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def output(self, service: str) -> str:
        """Return what a service has printed."""
        return self._output(service).read_text(errors="replace")

    def _output(self, service: str) -> Path:
        return self.folder / f"{service}.txt"


def in_order(file: ComposeFile, wanted: Sequence[str]) -> list[str]:
    """Return services so that each comes after those it needs."""
    found: list[str] = []
    while len(found) < len(wanted):
        found += [
            name
            for name in wanted
            if name not in found
            and all(
                one in found or one not in wanted
                for one in file.services[name].get("depends_on", {})
            )
        ]
    return found


@contextmanager
def composed(folder: Path) -> Iterator[Composed]:
    """Have Apache Kafka run, and whatever is started of the file."""
    from benchmarks.real_servers import RealServers

    with ExitStack() as stack:
        servers = stack.enter_context(RealServers(folder / "servers", redis=False))
        yield stack.enter_context(Composed(folder, servers.bootstrap_servers))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dtc") as made, composed(Path(made)) as up:
        wanted = sys.argv[1:] or [name for name in up.file.services if name != "kafka"]
        models = Path(os.environ.get("DERMTWIN_HOME", ".dermtwin")) / "models"
        if models.is_dir():
            shutil.copytree(models, up.folder / "home" / "models")
        for service in in_order(up.file, wanted):
            if service == "api":
                create = ["dermtwin", "keys", "create", "me", "--scope", "read"]
                subprocess.run(
                    create, env=up.environment("api"), check=True, capture_output=True, cwd=ROOT
                )
            up.start(service)
            print(f"{service:12} well after {up.await_well(service):6.1f} s", flush=True)
        for service in up.processes:
            if "test" in up.file.services[service]["healthcheck"]:
                well = up.check(service).returncode == 0
                print(f"{service:12} {'still well' if well else 'NO LONGER WELL'}")
            shown = up.output(service)
            assert up.password not in shown, service


if __name__ == "__main__":
    main()
