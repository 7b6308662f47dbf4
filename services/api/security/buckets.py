"""Token buckets by name, in bounded memory."""

import time
from collections import OrderedDict
from collections.abc import Callable

from services.api.security.limits import Rate


class Buckets:
    """A bucket for each name; those not used for longest are forgotten, which refills them.

    Parameters:
        rate: of every bucket.
        most: buckets remembered.
        clock: monotonic seconds.
    """

    def __init__(self, rate: Rate, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._most = most
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, at

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, name: str) -> float:
        """Take a token; return 0, or the seconds until there will be one."""
        now_s = self._clock()
        rate = self._rate
        tokens, at_s = self._levels.get(name, (rate.burst, now_s))
        tokens = min(rate.burst, tokens + (now_s - at_s) * rate.per_s)
        wait_s = 0.0
        if tokens >= 1:
            tokens -= 1
        else:
            wait_s = (1 - tokens) / rate.per_s
        self._levels[name] = (tokens, now_s)
        self._levels.move_to_end(name)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return wait_s
