"""The processes of a twin that stays up, and an embedded Redis.

Workers, re-stacker, mirror, API and Redis may die and are started again: the log has what they
had. A broker that is embedded may not, for the log is in its memory.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TextIO

import requests

from services.child import Child
from services.config import Settings
from services.embedded.servers import EmbeddedServers
from services.logs import Log
from twin.errors import DependencyError
from twin.events import ComponentChanged

# These tell how they are; of them we tell only that they have ended.
_TELL_THEMSELVES: Final = ("worker", "restacker")
READY_S: Final = 90.0  # both import for seconds on a slow core that is busy with Ray: assumption
BEAT_S: Final = 5.0  # how often they are said to be well; as of the other components


class Attendants:
    """Starts them, looks after them, and takes them down.

    Parameters:
        ray: address of the cluster that workers put their actors on.
        scenario: whose loop workers and re-stacker follow; None where nothing happens at epochs.
        workers: how many share the cases.
        api: options of its command; None for none.
        tell: publishes what became of one as a component's news.
        store: the embedded Redis; None where it is somebody else's.
        words: file for what the processes say; our standard error if None.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        kafka: str,
        redis: str,
        ray: str,
        prefix: str,
        model_id: str,
        scenario: Path | None,
        batch: int,
        workers: int,
        api: Sequence[str] | None,
        store: EmbeddedServers | None,
        tell: Callable[[ComponentChanged], None],
        log: Log,
        words: TextIO | None = None,
    ) -> None:
        self._model_id = model_id
        self._store = store
        self._tell = tell
        self._log = log
        self._store_restarts = 0
        self._told_s = 0.0
        self._last: dict[str, tuple[str, int, str]] = {}  # state, restarts, reason
        environment = {
            "DERMTWIN_HOME": str(settings.home.resolve()),
            "DERMTWIN_NAME": prefix,
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "REDIS_URL": redis,
            "RAY_ADDRESS": ray,
        }
        loop = [] if scenario is None else ["--scenario", str(scenario.resolve())]
        commands = _workers(["--model", model_id, "--batch", str(batch), *loop], workers)
        if loop:
            commands["restacker"] = ["restacker", "--with-parent", "--model", model_id, *loop]
        commands["mirror"] = ["mirror", "--with-parent"]
        if api is not None:
            commands["api"] = ["api", "--with-parent", "--model-id", model_id, *api]
        self.children = [
            Child(
                name,
                command,
                environment=environment,
                log=log,
                on_change=self._noting(name),
                words=words,
            )
            for name, command in commands.items()
        ]

    def start(self) -> None:
        """Start the processes, without waiting for them."""
        for child in self.children:
            child.start()
        if self._store is not None:
            self._note("redis", "ready", 0, "")

    def await_ready(self, written: Callable[[], bool], address: str | None) -> None:
        """Wait until the mirror has written, and the API says that its state is fresh.

        Parameters:
            written: tells whether the mirror has.
            address: of the API; None without one.

        Raises:
            DependencyError: one of them did not get so far, and which.
        """
        deadline_s = time.monotonic() + READY_S
        waiting = {"mirror": written}
        if address is not None:
            waiting["api"] = lambda: _is_ready(address)
        while waiting:
            waiting = {name: is_ready for name, is_ready in waiting.items() if not is_ready()}
            if waiting and time.monotonic() > deadline_s:
                raise DependencyError(f"{', '.join(waiting)} did not start in {READY_S:g} s")
            self.check()
            time.sleep(0.05)

    def check(self) -> None:
        """Start again what ended; to be called several times a second.

        Raises:
            DependencyError: the embedded Redis does not start again.
        """
        if self._store is not None:
            try:
                self._store.check()
            except DependencyError as error:
                self._revive(str(error).partition(";")[0])
        for child in self.children:
            child.check()
        if time.monotonic() - self._told_s > BEAT_S:
            for name in list(self._last):
                self._say(name)
            self._told_s = time.monotonic()

    def stop(self) -> None:
        """End the processes: the API first, so that nobody is told of a mirror that ended."""
        for child in reversed(self.children):
            child.stop()

    def _revive(self, reason: str) -> None:
        assert self._store is not None
        self._store_restarts += 1
        self._log.warning("ended", child="redis", reason=reason)
        self._note("redis", "restarting", self._store_restarts, reason)
        self._store.revive()
        self._note("redis", "ready", self._store_restarts, reason)

    def _noting(self, name: str) -> Callable[[str, int, str], None]:
        return lambda state, restarts, reason: self._note(name, state, restarts, reason)

    def _note(self, name: str, state: str, restarts: int, reason: str) -> None:
        if name.startswith(_TELL_THEMSELVES) and state == "ready":
            self._last.pop(name, None)  # it tells more of itself, once it is up
            return
        before = self._last.get(name)
        # Why it was started again is of interest as long as it runs.
        self._last[name] = state, restarts, reason or (before[2] if before else "")
        self._say(name)

    def _say(self, name: str) -> None:
        state, restarts, reason = self._last[name]
        pids = {child.name: child.pid for child in self.children}
        pid = pids.get(name)
        self._tell(
            ComponentChanged(
                component=name,
                at_unix_s=time.time(),
                state=state,
                restarts=restarts,
                model_id=self._model_id,
                reason=reason,
                facts={} if pid is None else {"pid": float(pid)},
            )
        )


def _workers(options: Sequence[str], workers: int) -> dict[str, list[str]]:
    """Return the commands of the workers by name."""
    named = ["worker"] if workers == 1 else [f"worker-{n + 1}" for n in range(workers)]
    return {
        name: ["worker", "--with-parent", "--share", f"{place}/{workers}", *options]
        for place, name in enumerate(named, start=1)
    }


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/health/ready", timeout=1.0).ok
    except requests.RequestException:
        return False
