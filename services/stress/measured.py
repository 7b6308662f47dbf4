"""What a stress run measures: one number for each name, and the series behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.stress.book import Entries
from services.stress.figures import (
    growth,
    lag_at,
    latencies,
    pace,
    per_second,
    percentile,
    ratio_to_first,
    theil_sen,
    windowed,
)
from services.stress.levels import Levels
from services.stress.processes import OBJECTS, STORES, Look

Floats = NDArray[np.float64]

MINUTE_S: Final = 60.0
SHOWN: Final = (50.0, 90.0, 99.0)  # percentiles over time
_LAG_EVERY_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The part of a run that figures are of; times of the clock that the book is kept by."""

    from_s: float  # the warm-up is over
    to_s: float  # the load has ended

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.to_s - self.from_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Second by second from the begin of the load; warm-up and drain are among them."""

    at_s: Floats  # begin of each second, from the begin of the load
    offered: NDArray[np.int64]  # cases due
    sent: NDArray[np.int64]
    shed: NDArray[np.int64]
    answered: NDArray[np.int64]
    lag: Floats  # at the end of each second
    percentiles_ms: Mapping[str, Floats] = field(default_factory=dict)  # of cases due in it

    def rows(self) -> list[dict[str, float | int | None]]:
        """Return a row for each second."""
        return [
            {
                "at_s": float(self.at_s[place]),
                "offered": int(self.offered[place]),
                "sent": int(self.sent[place]),
                "shed": int(self.shed[place]),
                "answered": int(self.answered[place]),
                "lag": int(self.lag[place]),
                **{
                    f"latency_{name}_ms": finite(values[place])
                    for name, values in self.percentiles_ms.items()
                },
            }
            for place in range(len(self.at_s))
        ]


def series_of(entries: Entries, began_s: float, ended_s: float) -> Series:
    """Return the series from the begin of the load to when all was over."""
    seconds = max(1, int(np.ceil(ended_s - began_s)))
    edges = began_s + np.arange(seconds + 1, dtype=np.float64)
    admitted = ~entries.shed
    due_s, latency_ms = entries.due_s[admitted], entries.latency_s * 1000
    return Series(
        at_s=np.arange(seconds, dtype=np.float64),
        offered=per_second(entries.due_s, began_s, seconds),
        sent=per_second(entries.sent_s, began_s, seconds),
        shed=per_second(entries.due_s[entries.shed], began_s, seconds),
        answered=per_second(entries.answered_s, began_s, seconds),
        lag=lag_at(entries, edges[1:]),
        percentiles_ms={
            f"p{share:g}": windowed(due_s, latency_ms, edges, share) for share in SHOWN
        },
    )


def metrics_of(entries: Entries, span: Span) -> dict[str, float]:
    """Return the metrics that rest on the book: latency, throughput, lag, shedding, lateness.

    Of cases that were due in the span, whenever they were answered. Latencies of cases without an
    answer are infinite.
    """
    seen = entries.within(span.from_s, span.to_s)
    admitted = ~seen.shed
    due_s, latency_ms = seen.due_s[admitted], seen.latency_s * 1000
    late_ms = (seen.sent_s - seen.due_s)[admitted] * 1000
    grid = np.arange(span.from_s, span.to_s, _LAG_EVERY_S)
    lag = lag_at(entries, grid) if len(grid) else np.zeros(1)
    throughput = pace(entries.answered_s, span.from_s, span.to_s)
    # What the backlog has grown by, in time: how much later than at the begin a case is answered.
    grown = theil_sen(grid, lag) * span.length_s if len(grid) > 1 else 0.0
    return {
        **latencies(latency_ms),
        "latency.p99_ratio_to_first_minute": ratio_to_first(due_s, latency_ms, MINUTE_S, 99),
        "latency.worst_minute_ratio": _worst_minute(due_s, latency_ms, span),
        "throughput_per_s": throughput,
        "offered_per_s": pace(entries.due_s, span.from_s, span.to_s),
        "verdicts.rejected": float(seen.rejected.sum()),
        "shed.count": float(seen.shed.sum()),
        "shed.share": float(seen.shed.mean()) if len(seen.shed) else 0.0,
        "lag.cases": float(lag_at(entries, np.array([span.to_s]))[0]),
        "lag.max_cases": float(lag.max()),
        "lag.growth_s": grown / throughput if throughput else float("inf"),
        "send.late_p99_ms": percentile(late_ms, 99),
        "send.late_max_ms": percentile(late_ms, 100),
    }


def _worst_minute(due_s: Floats, latency_ms: Floats, span: Span) -> float:
    """Return the worst minute's p99 over the first's; a rest of less than half is left out."""
    minutes = int(np.floor(span.length_s / MINUTE_S + 0.5))
    if minutes < 2:
        return float("nan")
    edges = np.minimum(span.from_s + MINUTE_S * np.arange(minutes + 1), span.to_s)
    found = windowed(due_s, latency_ms, edges, 99)
    return float(np.nanmax(found[1:]) / found[0]) if found[0] > 0 else float("nan")


def memory_of(looks: Sequence[Look], span: Span) -> dict[str, Any]:
    """Return memory in the span: the twin's in all, and by component.

    Servers that keep the record grow with every case, as they should: they are told, and are no
    part of the sum.
    """
    seen = [look for look in looks if span.from_s <= look.at_s <= span.to_s]
    if not seen:
        return {"twin": None, "components": {}}
    at_s = np.array([look.at_s for look in seen])
    names = sorted({name for look in seen for name in look.memory_mb})
    parts = {
        name: _told(at_s, np.array([look.memory_mb.get(name, 0.0) for look in seen]))
        for name in names
    }
    for name, part in parts.items():
        part["counted"] = name not in STORES
        part["cpu_share"] = float(np.mean([look.cpu_share.get(name, 0.0) for look in seen]))
        part["processes"] = max(look.pids.get(name, 0) for look in seen)
    parts.get(OBJECTS, {}).pop("processes", None)
    return {"twin": _told(at_s, np.array([look.twin_mb for look in seen])), "components": parts}


def _told(at_s: Floats, mb: Floats) -> dict[str, Any]:
    return {
        "first_mb": float(mb[0]),
        "median_mb": float(np.median(mb)),
        "max_mb": float(mb.max()),
        "last_mb": float(mb[-1]),
        "growth": growth(at_s, mb),
        "growth_mb_per_min": theil_sen(at_s, mb) * 60,
    }


def by_level(entries: Entries, span: Span, levels: Levels) -> list[dict[str, Any]]:
    """Return what became of each level's cases, the most urgent first."""
    seen = entries.within(span.from_s, span.to_s)
    told = []
    for level, name in enumerate(levels.names):
        mine = seen.level == level
        let_in = mine & ~seen.shed
        taken_ms = (seen.answered_s - seen.due_s)[let_in] * 1000
        found_ms = latencies(np.where(np.isnan(taken_ms), np.inf, taken_ms))
        told.append(
            {
                "level": name,
                "offered": int(mine.sum()),
                "sent": int(let_in.sum()),
                "shed": int((mine & seen.shed).sum()),
                "answered": int((~np.isnan(taken_ms)).sum()),
                "p50_ms": finite(found_ms["latency.p50_ms"]),
                "p99_ms": finite(found_ms["latency.p99_ms"]),
            }
        )
    return told


def finite(value: float) -> float | None:
    """Return a figure for JSON, which has no infinity: None where there is none."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
