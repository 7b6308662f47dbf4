"""Where attached runs say that they are there: `p:attached` in the twin's Redis, for the page.

A hash, field = tag, value = JSON:

    name, question, tag, offset_min, horizon_min (null: until the patients run out),
    speed (simulated minutes per wall minute; null: as fast as it goes),
    began_unix_s, ended_unix_s (null: under way), updated_unix_s (about once a second),
    state: running, done, failed, interrupted,
    patients_done, patients_total (about; null: not known),
    shifts: [{at_min (of the live log), over_min, what}]
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from services.attach.tags import Tags
from simulator.language.schema import Scenario
from simulator.report.shift_words import changes
from twin.errors import DependencyError

KEY: Final = "attached"
BEAT_S: Final = 1.0  # between two updates: a page that shows it redraws as often


class Shelf(Protocol):
    """Where notes are put, by tag."""

    def put(self, tag: str, note: str) -> None:
        """Keep a note in the place of the tag's last one.

        Raises:
            DependencyError: the store did not take it.
        """
        ...


class RedisShelf:
    """Notes in the Redis of the twin that is up."""

    def __init__(self, url: str, prefix: str) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        from services.redis_client import redis_client

        self._failed = redis.RedisError
        self._key = f"{prefix}:{KEY}"
        # Short: the run waits for it, and the next beat tries again.
        waits = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}
        self._redis: Any = redis_client(url, **waits, retry=Retry(NoBackoff(), 0))

    def put(self, tag: str, note: str) -> None:
        """See `Shelf`."""
        try:
            self._redis.hset(self._key, tag, note)
        except self._failed as error:
            raise DependencyError(f"Redis, key {self._key}: {error}") from error

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


@dataclass(slots=True, kw_only=True)
class Registration:
    """One attached run's note, kept up to date.

    Parameters:
        ensure_up: raises when the twin that was up has ended.
    """

    tags: Tags
    scenario: Scenario
    speed: float | None
    patients_total: int | None
    shelf: Shelf
    ensure_up: Callable[[], None]
    unix_s: Callable[[], float] = time.time
    now_s: Callable[[], float] = time.monotonic
    patients_done: int = 0
    missed: int = 0  # notes that the store did not take
    _began_unix_s: float = field(init=False)
    _beat_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._began_unix_s = self.unix_s()
        self._beat_s = float("-inf")

    def closed(self) -> None:
        """Count a patient who has left."""
        self.patients_done += 1

    def look(self) -> None:
        """About once a second, make sure that the twin is there, and renew the note.

        Raises:
            DependencyError: the twin has ended.
        """
        now_s = self.now_s()
        if now_s - self._beat_s >= BEAT_S:
            self._beat_s = now_s
            self.ensure_up()
            self._put("running")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Say how it ended, whatever way the block ends."""
        self.look()
        try:
            yield
        except KeyboardInterrupt:
            self._put("interrupted")
            raise
        except BaseException:
            self._put("failed")
            raise
        self._put("done")

    def _put(self, state: str) -> None:
        now = self.unix_s()
        note = {
            "name": self.scenario.name,
            "question": self.scenario.question,
            "tag": self.tags.tag,
            "offset_min": self.tags.offset_min,
            "horizon_min": self.scenario.horizon_min,
            "speed": self.speed,
            "began_unix_s": round(self._began_unix_s, 3),
            "ended_unix_s": None if state == "running" else round(now, 3),
            "updated_unix_s": round(now, 3),
            "state": state,
            "patients_done": self.patients_done,
            "patients_total": self.patients_total,
            "shifts": shifts_of(self.scenario, self.tags.offset_min),
        }
        try:
            self.shelf.put(self.tags.tag, json.dumps(note, allow_nan=False))
        except DependencyError:
            # Only the page's: the run goes on, and says at its end how many were missed.
            self.missed += 1


def shifts_of(scenario: Scenario, offset_min: float) -> list[dict[str, Any]]:
    """Return the onsets that are known because they are simulated, in event time of the log."""
    found: list[dict[str, Any]] = []
    for name, shift in zip(scenario.shift_ids(), scenario.shifts, strict=True):
        who = shift.population
        what = changes(
            {
                "population": None if who is None else who.model_dump(exclude_unset=True),
                "image": dict(shift.image),
            }
        )
        onset = {"at_min": offset_min + shift.at_min, "over_min": shift.over_min}
        found.append(onset | {"what": f"{name}: {what}"})
        if shift.until_min is not None:
            end = {"at_min": offset_min + shift.until_min, "over_min": shift.over_min}
            found.append(end | {"what": f"{name} ends"})
    return found
