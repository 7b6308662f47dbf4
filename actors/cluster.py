"""Starts Ray on this machine, or joins the cluster that an address names."""

import logging
import math
import os
import socket
import sys
from dataclasses import dataclass, field
from typing import Any, Final

import ray

from twin.errors import DependencyError

_CLUSTERS: Final = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
_LOOPBACK_BY_DEFAULT: Final = sys.platform in {"darwin", "win32"}
_BEGAN_ON_LOOPBACK: Final = os.environ.get(_CLUSTERS) == "0"  # a parent's Ray, or the user's wish
_PROBE_S: Final = 1.0  # for a connection on this machine
# Features of a batch of 64 take under 1 MB; Ray's floor is 75 MB and its default 30 % of memory.
_OBJECT_STORE_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How much of a machine each component gets."""

    replicas: dict[str, int] = field(default_factory=dict)  # component -> actors; 1 if not named
    cpus: dict[str, float] = field(default_factory=dict)  # component -> CPU share per actor
    default_cpus: float = 0.1  # share of a component that `cpus` does not name
    # Of each stem. A second one is worth half of a core, for what is not TensorFlow holds Python's
    # lock; where there are as many stems as cores it is worth nothing.
    stem_threads: int = 2

    def replicas_of(self, component: str) -> int:
        """Return how many actors a component has."""
        return self.replicas.get(component, 1)

    def cpus_of(self, component: str) -> float:
        """Return the CPU share that Ray reserves for each of them."""
        return self.cpus.get(component, self.default_cpus)

    def actors(self, components: list[str]) -> int:
        """Return how many actors there are."""
        return sum(self.replicas_of(name) for name in components)

    def total_cpus(self, components: list[str]) -> float:
        """Return the CPU shares of all actors together."""
        return sum(self.replicas_of(name) * self.cpus_of(name) for name in components)


def start_ray(
    address: str | None, cpus_needed: float, actors: int = 0, cores: int | None = None
) -> str:
    """Start or join Ray; return the address in use.

    Parameters:
        address: of a running cluster (`RAY_ADDRESS`), or None to start one on the loopback.
        cpus_needed: sum of the components' CPU shares; a local Ray offers at least that many,
            because an actor that Ray cannot place would be waited for without end.
        actors: how many there will be. A local Ray says that it has as many CPUs, since it starts
            one worker process ahead per CPU, and an actor that finds one waiting starts sooner.
        cores: CPUs that a local Ray offers; by default those of the machine, or more if needed.

    Raises:
        DependencyError: no cluster answers at `address`.
    """
    # Ray reports usage to its makers unless told otherwise; clinical networks do not want that.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a notice of 2.50+
    # Ray would keep a record of the latest 100,000 calls, for a dashboard that is not there: some
    # hundred megabytes in half an hour.
    os.environ.setdefault("RAY_task_events_report_interval_ms", "0")
    # Ray gives its own processes 30 s; a loaded machine with two cores can take longer.
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")
    _keep_to_loopback(not address or _only_on_loopback(address))
    options: dict[str, Any] = {
        "namespace": "dermtwin",
        "logging_level": logging.ERROR,
        "log_to_driver": False,
    }
    if address:
        options["address"] = address
    else:
        options |= {
            "address": "local",  # whatever cluster `ray start` has left on this machine
            "num_cpus": cores or max(os.cpu_count() or 1, actors, math.ceil(cpus_needed)),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "_node_ip_address": "127.0.0.1",
        }
    try:
        ray.init(**options)
    except Exception as error:  # Ray raises bare Exception, too
        where = f"at {address}" if address else "on this machine"
        raise DependencyError(f"Ray {where} did not start: {error}") from error
    return ray_address()


def ray_address() -> str:
    """Return the address of the cluster that this process has started or joined."""
    return str(ray.get_runtime_context().gcs_address)


def ray_is_up() -> bool:
    """Return whether this process has started or joined Ray."""
    return ray.is_initialized()


def stop_ray() -> None:
    """Leave the cluster; a Ray that this process started ends."""
    ray.shutdown()
    _keep_to_loopback(False)


def _keep_to_loopback(wish: bool) -> None:
    """Have Ray take 127.0.0.1 as it is, here and in processes that this one starts.

    By default it puts the machine's own address in its place, and then listens to everybody.
    """
    from ray._private import ray_constants

    # What is so on Windows and macOS already, and has no other switch; read when Ray is imported.
    ray_constants.ENABLE_RAY_CLUSTER = not wish and not _LOOPBACK_BY_DEFAULT
    if wish:
        os.environ[_CLUSTERS] = "0"
    elif not _BEGAN_ON_LOOPBACK:
        os.environ.pop(_CLUSTERS, None)


def _only_on_loopback(address: str) -> bool:
    """Return whether a cluster on this machine answers on the loopback alone."""
    host, _, port = address.rpartition(":")
    if not (host.strip("[]") in {"localhost", "::1"} or host.startswith("127.")):
        return False
    _keep_to_loopback(False)  # or else the machine's own address would not be told
    try:
        ours: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        socket.create_connection((ours, int(port)), _PROBE_S).close()
    except (OSError, ValueError):
        return True
    return False
