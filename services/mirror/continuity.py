"""Whether what a mirror finds in Redis is what it left there.

A server may come back empty, as it was a while ago, or with another's state, and so quickly that no
connection tells. What comes next on the log does not follow then: folding it would leave a gap.
"""

import secrets
from typing import Any

from redis.client import Pipeline

from services.mirror.redis_layout import (
    COMPLETE,
    GENERATION,
    LATEST,
    LAYOUT,
    LAYOUT_FIELD,
    UNIX_S,
    Fields,
)
from twin.errors import DependencyError


class Continuity:
    """What one mirror wrote last.

    Parameters:
        key: of the hash in which a mirror tells of itself.
        shown: the server, for people.
    """

    def __init__(self, key: str, shown: str) -> None:
        self._key = key
        self._shown = shown
        self._generation: bytes | None = None  # None: nothing was written yet
        self._revision = 0
        self._found = b""  # the generation that is there, or is about to be
        self._seen: list[bytes | None] = []  # that there was when the position was read

    def wrote(self, revision: int) -> None:
        """Note the revision that was written."""
        self._generation, self._revision = self._found, revision

    def forget(self) -> None:
        """Begin with whatever is found next."""
        self._generation, self._revision = None, 0
        self._seen = []

    def seen(self, generation: bytes | None) -> None:
        """Note what there was when the position was read: records are folded from there on."""
        self._seen = [generation]

    def begun(self, pipe: Pipeline) -> tuple[int, float, Fields]:
        """Return the last revision, the latest event time, and what a new mirror writes of itself.

        Raises:
            DependencyError: what this mirror wrote is gone, all or the latest. Whoever reads the
                position anew and goes on from there leaves no gap.
        """
        known: Any = pipe.hmget(self._key, GENERATION, "revision", LATEST, LAYOUT_FIELD)
        generation, revision, latest_min, layout = known
        if generation is not None and layout != str(LAYOUT).encode():
            self.forget()
            raise DependencyError(f"{self._shown} has a mirror of another version of dermtwin")
        ours = self._generation
        if ours is None:
            if self._seen not in ([], [generation]):
                self.forget()
                raise DependencyError(f"{self._shown} has another mirror's state meanwhile")
            self._found = generation or secrets.token_hex(8).encode()
            if generation is None:
                return 0, 0.0, {GENERATION: self._found, LAYOUT_FIELD: LAYOUT}
        elif generation is None:
            self.forget()
            raise DependencyError(f"{self._shown} lost what it had: the mirror is built again")
        elif generation != ours:
            self.forget()
            raise DependencyError(f"{self._shown} has another mirror's state: it is gone on from")
        elif int(revision) < self._revision:
            self._go_back(pipe)
        return int(revision), float(latest_min or 0), {}

    def _go_back(self, pipe: Pipeline) -> None:
        """Tell all who follow that revisions are given a second time.

        Raises:
            DependencyError: always: what was folded since is to be folded again.
        """
        pipe.multi()
        # What it says of its completeness is of then, and would be told as if it were of now.
        pipe.hdel(self._key, f"{COMPLETE}{UNIX_S}")
        pipe.hset(self._key, GENERATION, secrets.token_hex(8).encode())
        pipe.execute()
        self.forget()
        raise DependencyError(f"{self._shown} lost its latest changes: they are folded again")
