"""The figures of a stress run in words and units."""

from collections.abc import Callable, Mapping
from typing import Any, Final

# What is shown first, in this order, with what it is called.
_CALLED: Final[Mapping[str, str]] = {
    "offered_per_s": "cases due",
    "throughput_per_s": "cases answered",
    "latency.p50_ms": "latency, median",
    "latency.p90_ms": "latency, 90 %",
    "latency.p99_ms": "latency, 99 %",
    "latency.p999_ms": "latency, 99.9 %",
    "latency.max_ms": "latency, longest",
    "latency.p99_ratio_to_first_minute": "p99 after the first minute over that in it",
    "latency.worst_minute_ratio": "worst minute's p99 over the first's",
    "lag.cases": "open at the end of the load",
    "lag.max_cases": "most open at any time",
    "lag.growth_s": "growth of the backlog",
    "shed.count": "cases shed",
    "shed.share": "share of the cases shed",
    "verdicts.lost": "cases lost",
    "verdicts.doubled": "cases answered twice in the record",
    "verdicts.rejected": "cases rejected",
    "labels.twice": "labels counted twice",
    "mirror.equal": "mirror equal to the log",
    "dead_letters.count": "dead letters",
    "memory_mb.max": "most memory of the twin",
    "memory.growth": "growth of its memory",
    "restarts.count": "processes started again",
    "recovery_s.max": "slowest recovery",
    "send.late_p99_ms": "lateness of the sender, 99 %",
    "send.late_max_ms": "lateness of the sender, most",
    "knee.rate_per_s": "knee",
}
SHOWN: Final = tuple(_CALLED)
# Which names a unit belongs to, and what values are multiplied with; the first that fits.
_UNITS: Final[tuple[tuple[Callable[[str], bool], float, str], ...]] = (
    (lambda name: name in ("memory.growth", "shed.share"), 100, " %"),
    (lambda name: name.startswith("memory_mb"), 1, " MiB"),
    (lambda name: name.endswith("_ms"), 1, " ms"),
    (lambda name: name.endswith("_per_s"), 1, " per second"),
    (lambda name: name.endswith("_s") or name.startswith("recovery_s"), 1, " s"),
)


def label(name: str) -> str:
    """Return what a metric is called."""
    return _CALLED.get(name, name)


def figure(name: str, summary: Mapping[str, Any]) -> str:
    """Return a metric with its unit."""
    return said(name, summary["metrics"].get(name), unbounded=name in summary["unbounded"])


def said(name: str, value: float | None, *, unbounded: bool = False) -> str:
    """Return a value of a metric with its unit.

    >>> said("latency.p99_ms", 1234.5), said("memory.growth", 0.0213), said("mirror.equal", 1.0)
    ('1,234 ms', '2.13 %', 'yes')
    """
    if value is None:
        return "without end" if unbounded else "no figure"
    if name == "mirror.equal":
        return "yes" if value else "no"
    for fits, factor, unit in _UNITS:
        if fits(name):
            shown = value * factor
            return f"{shown:,.0f}{unit}" if abs(shown) >= 100 else f"{shown:.3g}{unit}"
    return f"{value:,.0f}" if value == int(value) else f"{value:.3g}"


def ms(value: float | None) -> str:
    """Return a latency in words; None is one without end."""
    return "without end" if value is None else f"{value:,.0f} ms"


def seconds(value: float | None) -> str:
    """Return a time to recover in words; None is one that did not end."""
    return "not" if value is None else f"{value:.1f} s"
