"""Refused requests in the audit log: each one of a few, and a flood by its number."""

from dataclasses import dataclass
from typing import Any, Final

from services.api.security.envelope import Exchange
from services.api.security.origins import network

# Assumptions: enough to see what somebody tries, too few to fill a disk or to push what matters
# out of a log of bounded size.
WINDOW_S: Final = 60.0
_EACH: Final = 20  # lines a window for an address and status
_ALL: Final = 200  # lines a window for all of them, however many addresses there are
_OTHERS: Final = "others"


@dataclass(slots=True)
class _Flood:
    peer: str
    status: int
    first_unix_s: float
    last_unix_s: float
    count: int = 0
    written: int = 0


class Refusals:
    """Decides which refusals are written one by one, and sums up the rest."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._written = 0
        self._floods: dict[tuple[str, int], _Flood] = {}

    def is_written(self, exchange: Exchange) -> bool:
        """Return whether a refusal gets a line of its own; otherwise it is counted."""
        if self._since_s is None:
            self._since_s = exchange.at_unix_s
        address = network(exchange.peer)
        if (address, exchange.status) not in self._floods and len(self._floods) >= _ALL:
            address = _OTHERS
        flood = self._floods.setdefault(
            (address, exchange.status),
            _Flood(address, exchange.status, exchange.at_unix_s, exchange.at_unix_s),
        )
        if flood.written < _EACH and self._written < _ALL:
            flood.written += 1
            self._written += 1
            return True
        if not flood.count:
            flood.first_unix_s = exchange.at_unix_s
        flood.count += 1
        flood.last_unix_s = exchange.at_unix_s
        return False

    def summed_up(self, now_unix_s: float, *, ended: bool = False) -> list[dict[str, Any]]:
        """Return a line for each flood of a window that is over, and begin the next.

        Parameters:
            now_unix_s: the time.
            ended: whether the log is closed, and the window with it.
        """
        if self._since_s is None or not (ended or now_unix_s >= self._since_s + WINDOW_S):
            return []
        lines = [
            {
                "kind": "refusals",
                "at_unix_s": flood.last_unix_s,
                "since_unix_s": flood.first_unix_s,
                "peer": flood.peer,
                "status": flood.status,
                "count": flood.count,
            }
            for flood in self._floods.values()
            if flood.count
        ]
        self._since_s, self._written, self._floods = None, 0, {}
        return lines
