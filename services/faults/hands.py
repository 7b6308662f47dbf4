"""Hands on a server of ours: stop it, start it again, and which process it is.

A server that is somebody else's has no hand, and whatever needs one is refused.
"""

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from services.embedded.servers import EmbeddedServers
from twin.errors import DependencyError

REVIVED_S: Final = 30.0  # the deployment looks several times a second: assumption
_LOOK_S: Final = 0.05


class ServerHand(Protocol):
    """One server that can be stopped and started."""

    @property
    def pid(self) -> int | None:
        """Its process; None while it is down."""
        ...

    def stop(self, *, kill: bool) -> None:
        """End it, in order or by SIGKILL, and wait until it is gone."""
        ...

    def start(self) -> None:
        """Start it at the address that it had, and wait until it answers."""
        ...


class Servers(Protocol):
    """Servers that are stopped and started by name; on disk, so that they keep what they had."""

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids of those that run."""
        ...

    def stop_one(self, name: str, *, kill: bool = False) -> None:
        """End one."""
        ...

    def start_one(self, name: str) -> None:
        """Start one again at its address."""
        ...


@dataclass(frozen=True, slots=True)
class NamedHand:
    """One of several servers, by its name."""

    servers: Servers
    name: str

    @property
    def pid(self) -> int | None:
        """Its process; None while it is down."""
        return self.servers.pids.get(self.name)

    def stop(self, *, kill: bool) -> None:
        """End it; nothing happens where it is down."""
        if self.pid is not None:
            self.servers.stop_one(self.name, kill=kill)

    def start(self) -> None:
        """Start it; nothing happens where it is up."""
        if self.pid is None:
            self.servers.start_one(self.name)


class StoreHand:
    """The embedded Redis of a deployment, which starts it again whenever it ends."""

    def __init__(self, store: EmbeddedServers) -> None:
        self._store = store
        self._ended = 0

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self._store.pids.get("redis")

    def stop(self, *, kill: bool) -> None:
        """End it. It does not stay down: whoever attends on it starts it again."""
        if self.pid is not None:
            self._ended = self.pid
            os.kill(self.pid, signal.SIGKILL if kill else signal.SIGTERM)

    def start(self) -> None:
        """Wait until it was started again.

        Raises:
            DependencyError: it was not, within half a minute.
        """
        deadline_s = time.monotonic() + REVIVED_S
        while self.pid in (None, self._ended):
            if time.monotonic() > deadline_s:
                raise DependencyError(f"nobody started the embedded Redis in {REVIVED_S:g} s")
            time.sleep(_LOOK_S)


@dataclass(frozen=True, slots=True)
class OwnRedis:
    """A hand on the embedded Redis that nobody but us starts again."""

    store: EmbeddedServers

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self.store.pids.get("redis")

    def stop(self, *, kill: bool) -> None:
        """End it, in order or by SIGKILL."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL if kill else signal.SIGTERM)

    def start(self) -> None:
        """Start it again at its address."""
        self.store.revive()
