"""Encoded pictures in memory, the last used ones, up to a number of bytes."""

from collections import OrderedDict
from threading import Lock
from typing import Final

from services.api.pictures.wanted import Picture

_ENTRY_BYTES: Final = 300  # what an entry takes beside its content, about


class PictureCache:
    """Keeps what was used last; threads may share it.

    Parameters:
        limit_bytes: of all contents together.

    >>> cache = PictureCache(1_000)
    >>> cache.put("a", Picture(b"x" * 400, "image/png"))
    >>> cache.put("b", Picture(b"y" * 400, "image/png"))
    >>> cache.get("a") is None, cache.get("b") is None
    (True, False)
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[str, Picture] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: str) -> Picture | None:
        """Return a picture that is kept, which then goes last."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: str, picture: Picture) -> None:
        """Keep a picture, and forget those that were not used for longest."""
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = picture
            self._bytes += len(picture.content) + _ENTRY_BYTES
            while self._bytes > self._limit_bytes and self._kept:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= len(gone.content) + _ENTRY_BYTES

    @property
    def size_bytes(self) -> int:
        """What all entries take."""
        return self._bytes
