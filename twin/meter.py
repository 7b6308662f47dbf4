"""Counts what a part of the twin does: how much, how fast, how often in vain, and what last.

Counting a batch takes microseconds; percentiles are worked out only when somebody asks.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

# Batches that percentiles are of. Bounds memory, and the sort when somebody asks: assumption.
RING: Final = 512
# What "per second" and the share of errors look back on, s. A minute is long enough to hold some
# batches of a slow stem, and short enough that a page shows what is going on: assumption.
WINDOW_S: Final = 60.0
MAX_WORDS: Final = 200  # characters of `last_input` and of `last_output`: assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a meter has counted. Latencies are of whole batches; None before the first one."""

    batches: int  # since the start, with those that failed
    items: int  # images, cases or epochs of the batches that were answered
    errors: int  # batches that failed, and items that could not be used
    busy_s: float  # spent on batches since the start
    latency_ms_p50: float | None = None  # of the latest `RING` batches, however long ago
    latency_ms_p95: float | None = None
    latency_ms_p99: float | None = None
    latency_ms_max: float | None = None
    items_per_s: float  # over the last `WINDOW_S`
    recent_tried: int  # items, and whatever else was tried, within the last `WINDOW_S`
    error_share: float  # of these
    last_input: str = ""
    last_output: str = ""

    def numbers(self, items: str = "images") -> dict[str, float]:
        """Return the figures by name, with their units.

        Parameters:
            items: what the batches are of.
        """
        told: dict[str, float] = {
            "batches": float(self.batches),
            items: float(self.items),
            "errors": float(self.errors),
            "busy_s": round(self.busy_s, 3),
            f"{items}_per_s": round(self.items_per_s, 3),
            "recent_tried": float(self.recent_tried),
            "error_share": round(self.error_share, 4),
        }
        for share in ("p50", "p95", "p99", "max"):
            name = f"latency_ms_{share}"
            latency_ms = getattr(self, name)
            if latency_ms is not None:
                told[name] = round(latency_ms, 3)
        return told


class Batch:
    """What became of a batch; filled in by whoever handles it."""

    __slots__ = ("errors", "items", "output")

    def __init__(self) -> None:
        self.items = 0
        self.errors = 0  # items that could not be used
        self.output = ""  # in words


class _Done(NamedTuple):
    ended_s: float
    took_s: float
    items: int
    errors: int
    tried: int  # items and what was refused, or 1 for a batch that failed


class Meter:
    """Counts batches. One thread counts; others may read.

    Parameters:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun_s = clock()
        self._latest: deque[_Done] = deque(maxlen=RING)
        self._batches = self._items = self._errors = 0
        self._busy_s = 0.0
        self._input = self._output = ""

    @contextmanager
    def batch(self, words: str) -> Iterator[Batch]:
        """Count the block as a batch; one that raises is an error.

        Parameters:
            words: what came in.
        """
        begun_s = self._clock()
        self.saw(words)
        batch = Batch()
        try:
            yield batch
        except BaseException as error:
            self.failed(begun_s, type(error).__name__)
            raise
        self.note(begun_s, batch.items, batch.output, errors=batch.errors)

    def saw(self, words: str) -> None:
        """Take note of what came in last."""
        self._input = words[:MAX_WORDS]

    def note(
        self, begun_s: float, items: int, words: str, *, errors: int = 0, refused: int = 0
    ) -> None:
        """Count a batch that ends now.

        Parameters:
            begun_s: when it began, by the meter's clock.
            words: what came out.
            errors: items among them that could not be used.
            refused: what came with them and was no item at all; these are errors, too.
        """
        self._count(begun_s, items, errors + refused, items + refused)
        self._output = words[:MAX_WORDS]

    def failed(self, begun_s: float, words: str) -> None:
        """Count a batch that failed just now."""
        self._count(begun_s, 0, 1, 1)
        self._output = words[:MAX_WORDS]

    def read(self) -> Work:
        """Return what was counted."""
        now_s = self._clock()
        latest = list(self._latest)  # at once: another thread may go on counting
        since_s = max(now_s - WINDOW_S, self._begun_s)
        if len(latest) == RING and latest[0].ended_s > since_s:
            # The ring is shorter than the window: the rate is that since its first batch ended.
            since_s, recent = latest[0].ended_s, list(islice(latest, 1, None))
        else:
            recent = [one for one in latest if one.ended_s > since_s]
        span_s = now_s - since_s
        tried = sum(one.tried for one in recent)
        took_ms = sorted(1000 * one.took_s for one in latest)
        return Work(
            batches=self._batches,
            items=self._items,
            errors=self._errors,
            busy_s=self._busy_s,
            latency_ms_p50=_percentile(took_ms, 50),
            latency_ms_p95=_percentile(took_ms, 95),
            latency_ms_p99=_percentile(took_ms, 99),
            latency_ms_max=_percentile(took_ms, 100),
            items_per_s=sum(one.items for one in recent) / span_s if span_s > 0 else 0.0,
            recent_tried=tried,
            error_share=sum(one.errors for one in recent) / tried if tried else 0.0,
            last_input=self._input,
            last_output=self._output,
        )

    def _count(self, begun_s: float, items: int, errors: int, tried: int) -> None:
        now_s = self._clock()
        took_s = now_s - begun_s
        self._batches += 1
        self._items += items
        self._errors += errors
        self._busy_s += took_s
        self._latest.append(_Done(now_s, took_s, items, errors, tried))


def _percentile(ordered: list[float], share: int) -> float | None:
    """Return the smallest value that `share` percent do not exceed; None of nothing."""
    return ordered[-(-share * len(ordered) // 100) - 1] if ordered else None


def counted(count: int, what: str) -> str:
    """Return a count in words.

    >>> counted(1, "image"), counted(64, "image")
    ('1 image', '64 images')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"
