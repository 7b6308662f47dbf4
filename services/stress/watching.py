"""Looking after a twin while it is loaded: how it does, and what was started again."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Final

from services.deployment import Deployment
from services.stress.processes import OWN

SHOW_EVERY_S: Final = 0.5

Show = Callable[[str, float, float, Mapping[str, float]], None]  # what, done, of, figures now


class Watching:
    """Looks after the twin while the load comes, shows how it does, and notes restarts."""

    def __init__(self, twin: Deployment, show: Show) -> None:
        self._twin, self._show = twin, show
        self._before = self._counts()
        self._shown_s = 0.0
        self._what, self._since_s, self._for_s = "", time.monotonic(), 1.0
        self._known: dict[str, int] = dict(self._before)
        self.probe: Callable[[], Mapping[str, float]] = dict
        self.restarted: list[tuple[float, str]] = []

    def say(self, what: str, for_s: float) -> None:
        """Show what is done from now on, and for how long."""
        self._what, self._since_s, self._for_s = what, time.monotonic(), for_s
        self._shown_s = 0.0

    def look(self) -> None:
        """Look after the twin."""
        self._twin.check()
        now_s = time.monotonic()
        if now_s - self._shown_s < SHOW_EVERY_S:
            return
        self._shown_s = now_s
        for name, count in self._counts().items():
            if count > self._known.get(name, 0):
                self.restarted.append((now_s, name))
            self._known[name] = count
        done_s = min(max(0.0, now_s - self._since_s), self._for_s)
        self._show(self._what, done_s, self._for_s, self.probe())

    def restarts(self) -> dict[str, int]:
        """Return what was started again since the load began, and how often."""
        now = self._counts()
        more = {name: count - self._before.get(name, 0) for name, count in now.items()}
        return {name: count for name, count in sorted(more.items()) if count > 0}

    def _counts(self) -> dict[str, int]:
        told = {name: event.restarts for name, event in list(self._twin.latest.items())}
        children = {one.name: one.restarts for one in self._twin.attendants.children}
        return {**told, **children}


def names_of(twin: Deployment) -> Callable[[], Mapping[int, str]]:
    """Return what tells the components' names by their process ids."""

    def names() -> Mapping[int, str]:
        found = {
            int(event.facts["pid"]): name
            for name, event in list(twin.latest.items())
            if "pid" in event.facts
        }
        found |= {one.pid: one.name for one in twin.attendants.children if one.pid is not None}
        for server, ours in (("kafka", twin.broker), ("redis", twin.store)):
            if ours is not None and server in ours.pids:
                found[ours.pids[server]] = server
        found[os.getpid()] = OWN
        return found

    return names
