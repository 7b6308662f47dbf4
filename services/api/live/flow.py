"""How much flows through the twin, and how long an answer takes, on the wall clock."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from services.api.live.change import Change
from twin.events import CaseArrived, CaseRejected, VerdictIssued

WINDOW_S: Final = 10.0  # over which rates are counted: assumption
AGAIN_S: Final = 0.5  # rates and percentiles are worked out so often, however many ask
_KEPT: Final = 20_000  # records within the window, and latencies, at most
_LATE_S: Final = 60.0
_OPEN: Final = 50_000  # cases without an answer, at most


class Flow:
    """Rates by topic, and latencies from a case's sending to its answer's."""

    def __init__(self) -> None:
        self._sent: deque[tuple[float, str]] = deque(maxlen=_KEPT)  # Unix time in s, topic
        self._open: dict[str, int] = {}  # case -> when its first record was sent, Unix ms
        self.latencies: deque[tuple[int, int]] = deque(maxlen=_KEPT)  # answer's Unix ms; ms
        self.on_latency: Callable[[float], None] | None = None
        self._rates: tuple[float, dict[str, float]] = (float("-inf"), {})
        self._shares: tuple[float, dict[str, float] | None] = (float("-inf"), None)

    def add(self, change: Change) -> None:
        """Take a record in."""
        topic = change.place[0]
        self._sent.append((change.sent_unix_ms / 1000, topic))
        event = change.event
        if not change.changed or not isinstance(event, CaseArrived | VerdictIssued | CaseRejected):
            return
        # Topics come in any order: whichever is second has both times.
        other = self._open.pop(event.case_id, None)
        if other is None:
            self._open[event.case_id] = change.sent_unix_ms
            if len(self._open) > _OPEN:
                del self._open[next(iter(self._open))]
            return
        latency_ms = abs(change.sent_unix_ms - other)
        self.latencies.append((max(change.sent_unix_ms, other), latency_ms))
        if self.on_latency is not None:
            self.on_latency(latency_ms / 1000)

    def per_s(self, now_unix_s: float) -> dict[str, float]:
        """Return records a second over the last ten, by topic; half a second old at most."""
        if abs(now_unix_s - self._rates[0]) >= AGAIN_S:  # a clock may be put back
            self._rates = now_unix_s, self._counted(now_unix_s)
        return self._rates[1]

    def _counted(self, now_unix_s: float) -> dict[str, float]:
        since = now_unix_s - WINDOW_S
        while self._sent and self._sent[0][0] < since:
            self._sent.popleft()
        # Partitions are folded in any order, so that older ones may stand behind.
        counted = Counter(topic for sent, topic in self._sent if sent >= since)
        return {topic: round(n / WINDOW_S, 2) for topic, n in sorted(counted.items())}

    def latency_ms(self, now_unix_s: float) -> dict[str, float] | None:
        """Return p50, p95, p99 and the number of latencies of the last minute; None without any.

        They are half a second old at most.
        """
        if abs(now_unix_s - self._shares[0]) >= AGAIN_S:
            self._shares = now_unix_s, self._percentiles(now_unix_s)
        return self._shares[1]

    def _percentiles(self, now_unix_s: float) -> dict[str, float] | None:
        since = (now_unix_s - _LATE_S) * 1000
        taken = sorted(ms for at, ms in self.latencies if at >= since)
        if not taken:
            return None
        at = len(taken) - 1
        shares = {f"p{share}": float(taken[round(at * share / 100)]) for share in (50, 95, 99)}
        return {**shares, "count": len(taken)}
