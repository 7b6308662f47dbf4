"""Whose key a text is. The file of keys is read again whenever it changes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from services.api.security.access import Principal
from services.api.security.keys import NO_KEY, Key, read_keys

_PARTS: Final = 3  # dt, id, secret
_LONGEST: Final = 200  # characters of what can be a key; ours have 55


class KeyRefusedError(Exception):
    """A text opens nothing. Arguments: why, in words for whoever sent it."""


class KeyBook:
    """The keys that are valid now.

    A request costs one look at the file's inode, time and size, so that a revoked key is refused
    at once and nothing has to be restarted.

    Parameters:
        file: of keys, which need not be there.
        clock: tells the time, for expiry.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self.file = file
        self._clock = clock
        self._seen: tuple[int, ...] | None = None
        self._keys: dict[str, Key] = {}

    def keys(self) -> dict[str, Key]:
        """Return all keys by id, revoked and expired ones as well.

        Raises:
            DataError: the file is not what it should be. None of the keys read before counts
                then: who revokes a key and spoils the file doing so must not have it open on.
        """
        try:
            stat = self.file.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return self._keys
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if seen != self._seen:
            self._keys = read_keys(self.file)  # the stat came first: a later change is seen again
            self._seen = seen
        return self._keys

    def is_valid(self, key: Key) -> bool:
        """Return whether a key opens anything now."""
        return key.state(self._clock()) == "valid"

    def principal(self, text: str) -> Principal:
        """Return whose key `text` is.

        Raises:
            KeyRefusedError: it is no key, or unknown, expired or revoked.
            DataError: the file of keys is unusable.
        """
        parts = text.split("_", _PARTS - 1)
        if len(parts) != _PARTS or parts[0] != "dt" or not text.isascii() or len(text) > _LONGEST:
            raise KeyRefusedError("what was sent is no key: expected Bearer dt_<id>_<secret>")
        _, id_, secret = parts
        key = self.keys().get(id_, NO_KEY)
        # Nothing more is said of a key than of a wrong one, unless its secret was known.
        if not key.opens(secret) or key is NO_KEY:
            raise KeyRefusedError("the key is not known")
        state = key.state(self._clock())
        if state != "valid":
            raise KeyRefusedError(f"the key is {state}")
        return Principal(key.id, key.name, key.scopes, "key")
