"""The names of everything a stress run measures: in its gates, steady state and report."""

from collections.abc import Mapping
from typing import Final

_LATENCY: Final = "from when a case was to be sent to its verdict"

OF_STRESS: Final[Mapping[str, str]] = {
    "latency.p50_ms": f"median latency, {_LATENCY}, milliseconds",
    "latency.p90_ms": "latency that 90 % of the cases do not exceed",
    "latency.p95_ms": "of 95 %",
    "latency.p99_ms": "of 99 %",
    "latency.p999_ms": "of 99.9 %",
    "latency.max_ms": "the longest latency",
    "throughput_per_s": "verdicts per second",
    "offered_per_s": "cases per second that were to be sent",
    "verdicts.lost": "cases that were sent and never got a verdict",
    "verdicts.doubled": "cases with more than one verdict in the record",
    "verdicts.rejected": "cases that the AI could not score",
    "shed.count": "cases that were shed under overload",
    "shed.share": "their share of the cases that were to be sent",
    "lag.cases": "cases that were sent and have no verdict yet; of a run, at its end",
    "lag.max_cases": "the most of them at any time",
    "memory_mb.max": "most memory of all processes of the twin together, MiB",
    "memory.growth": "how much it grew after the warm-up, as a share of what it was then",
    "recovery_s.max": "the longest time from the end of a fault until the steady state held again",
    "knee.rate_per_s": "the highest rate at which the objective was met",
    "mirror.equal": "1 where the mirror is the fold of the log, else 0",
    "labels.twice": "labels that were counted more than once",
    "dead_letters.count": "messages that nobody could read or serve, and that were kept",
}
# These a steady state cannot ask for: nobody knows them while the run goes on.
AT_THE_END: Final = frozenset(
    {"memory.growth", "recovery_s.max", "knee.rate_per_s", "mirror.equal", "labels.twice"}
)
SHARES: Final = frozenset({"memory.growth"})
