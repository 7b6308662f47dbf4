"""A mirror in Redis and a history that follows it step by step, with what was really folded."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from services.api.live import follower as follower_module
from services.api.live.follower import Follower
from services.api.live.history import History
from services.api.live.mirror_reader import MirrorReader
from services.logs import open_log
from services.mirror.freshness import Freshness
from services.mirror.redis_mirror import RedisMirror
from twin.errors import DependencyError
from twin.state import Record, TwinState


class DirectLoop:
    """What the follower knows of an event loop, and does it at once."""

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, call: Callable[[], Any]) -> None:
        call()


class Followed:
    """See the module; `folded` and `times_ms` are what the mirror was given, and when."""

    def __init__(self, redis_url: str, prefix: str, log: Any = None) -> None:
        self.url, self.prefix = redis_url, prefix
        self.now_s = 1_000_000.0
        self.folded: list[Record] = []
        self.times_ms: list[int] = []
        self.mirror = RedisMirror(redis_url, prefix, clock=lambda: self.now_s)
        self._log = log or open_log(_Nowhere())
        self.stop = threading.Event()
        self.restart()

    def restart(self) -> None:
        """Another API."""
        self.history = History(clock=lambda: self.now_s)
        self.follower = Follower(self.url, self.prefix, self.history, DirectLoop(), self._log)

    def fold(self, records: Sequence[Record], *, complete: bool = True) -> None:
        """Have the mirror fold a batch, some time later."""
        self.now_s += 0.25
        fresh = Freshness(complete_unix_s=self.now_s if complete else None)
        try:
            self.mirror.apply(records, fresh)
        except DependencyError:  # it was wiped, and says so once
            self.mirror.apply(records, fresh)
        self.folded += records
        self.times_ms += [round(self.now_s * 1000)] * len(records)

    def wipe(self) -> None:
        """Have Redis lose all that it had."""
        self.mirror.wipe()
        self.folded, self.times_ms = [], []

    def step(self) -> None:
        """Have the API read once."""
        self.follower.step(self.stop)

    def catch_up(self) -> None:
        """Have the API read all there is."""
        if not self.folded:
            self.fold([])  # there is a mirror, at least
        for _ in range(1_000):
            self.step()
            head = self.history.head
            if self.history.revision == len(self.folded) and head is not None:
                read = self.follower._reader.head()
                if read is not None and read.generation == head.generation:
                    return
        raise AssertionError("the history does not catch up")

    def close(self) -> None:
        self.mirror.close()
        with suppress(AttributeError):
            self.follower._reader.close()


class _Nowhere:
    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None:
        return


def quick(monkeypatch: Any) -> None:
    """Do not wait for what does not come."""
    # A server looks at who waits ten times a second, however short the wait.
    monkeypatch.setattr(MirrorReader, "wait", lambda *_: None)
    monkeypatch.setattr(follower_module, "_RETRY_S", 0.0)


class Fold:
    """The fold of records that are taken in one by one, as far as is asked for."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self.state, self.revision = TwinState(), 0

    def at(self, revision: int) -> TwinState:
        """The state at a revision that is not before the last one that was asked for."""
        assert revision >= self.revision
        for record in self._records[self.revision : revision]:
            assert not self.state.knows(record)
            self.state.apply(record)
        self.revision = revision
        return self.state


def position_of(state: TwinState) -> dict[str, int]:
    return {f"{t}/{p}": at for (t, p), at in sorted(state.position.items())}
