"""How the twin does at this moment: figures of the last seconds, for faults and for the bar."""

import time
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from services.stress.book import Book
from services.stress.figures import latencies

WINDOW_S: Final = 5.0  # long enough for a p99 of some hundred cases, short enough to see a recovery
# A case that is open for so long counts as lost for the time being; the audit has the last word.
LOST_S: Final = 60.0
_BACK: Final = 4  # windows that are searched for cases that were answered in the last one


def probe_of(
    book: Book, clock: Callable[[], float] = time.monotonic
) -> Callable[[], Mapping[str, float]]:
    """Return what tells the metrics of the last seconds.

    A latency is that of a case that was answered in them, or the age of one that still waits: else
    a twin that answers nothing would look quick. Where there is neither, they are 0.
    """

    def probe() -> Mapping[str, float]:
        now_s = clock()
        oldest_s = book.oldest_open_s()
        from_s = now_s - _BACK * WINDOW_S
        entries = book.recent(from_s if oldest_s is None else min(from_s, oldest_s))
        is_open = np.isnan(entries.answered_s) & ~entries.shed
        fresh = entries.answered_s >= now_s - WINDOW_S  # False for NaN
        ages_s = np.where(is_open, now_s - entries.due_s, entries.answered_s - entries.due_s)
        latencies_ms = ages_s[is_open | fresh] * 1000
        lately = entries.due_s >= now_s - WINDOW_S
        found = {
            "lag.cases": float(book.lag),
            "verdicts.lost": float(np.sum(is_open & (ages_s > LOST_S))),
            "throughput_per_s": float(fresh.sum() / WINDOW_S),
            "offered_per_s": float(lately.sum() / WINDOW_S),
            "shed.count": float((entries.shed & lately).sum()),
        }
        # Nobody waits and nobody came: nothing is slow. Recovery may come after the load.
        return found | latencies(latencies_ms if len(latencies_ms) else np.zeros(1))

    return probe
