"""How many event streams are open, and for whom."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.api.security.access import Principal
from services.api.security.limits import Limits


class NoSlotError(Exception):
    """No further stream can be opened. Arguments: status of HTTP, why in words."""


class StreamSlots:
    """Slots for event streams: each takes memory and a share of every change that is sent.

    Parameters:
        limits: how many in all, and for each principal.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._open.total()

    @contextmanager
    def slot(self, principal: Principal) -> Iterator[None]:
        """Hold a slot while the block runs.

        Raises:
            NoSlotError: 503 where all are taken, 429 where the principal has its share.
        """
        limits = self._limits
        if self.open >= limits.streams:
            raise NoSlotError(503, f"all {limits.streams} event streams are taken")
        key = principal.via == "key"
        most = limits.streams_of_key if key else limits.streams_of_loopback
        if self._open[principal.id] >= most:
            raise NoSlotError(429, f"you have {most} event streams open, which is the most")
        self._open[principal.id] += 1
        try:
            yield
        finally:
            self._open[principal.id] -= 1
            if not self._open[principal.id]:
                del self._open[principal.id]
