"""The names of everything a stress run measures: in its gates, steady state and report."""

from collections.abc import Mapping
from typing import Final

_LATENCY: Final = "from when a case was to be sent to its verdict"

# What is known at any moment of the run, too, of the seconds before: a steady state can ask for it.
AT_ANY_TIME: Final[Mapping[str, str]] = {
    "latency.p50_ms": f"median latency, {_LATENCY}, milliseconds",
    "latency.p90_ms": "latency that 90 % of the cases do not exceed",
    "latency.p95_ms": "of 95 %",
    "latency.p99_ms": "of 99 %",
    "latency.p999_ms": "of 99.9 %",
    "latency.max_ms": "the longest latency",
    "throughput_per_s": "verdicts per second",
    "offered_per_s": "cases per second that were to be sent",
    "verdicts.lost": "cases that were sent and never got a verdict",
    "shed.count": "cases that were shed under overload",
    "lag.cases": "cases that were sent and have no verdict yet; of a run, at its end",
}
AT_THE_END: Final[Mapping[str, str]] = {
    "latency.p99_ratio_to_first_minute": "p99 over that of the first minute after the warm-up",
    "latency.worst_minute_ratio": "the p99 of the worst minute over that of the first",
    "verdicts.doubled": "cases with more than one verdict in the record",
    "verdicts.rejected": "cases that the AI could not score",
    "shed.share": "share of the cases that were to be sent that was shed",
    "lag.max_cases": "the largest lag at any time",
    "lag.growth_s": "how much the lag grew over the run, in seconds of work",
    "send.late_p99_ms": "how late 99 % of the cases were sent, at most; the sender's fault",
    "send.late_max_ms": "the latest",
    "memory_mb.max": "most memory of the twin's processes together, MiB; without the servers that "
    "keep the record, which grow with it",
    "memory.growth": "how much it grew after the warm-up, as a share of what it was then",
    "recovery_s.max": "the longest time from a fault's begin until the steady state held again",
    "knee.rate_per_s": "the highest rate at which the objective was met",
    "mirror.equal": "1 where the mirror is the fold of the log, else 0",
    "labels.twice": "labels that were counted more than once",
    "dead_letters.count": "messages that nobody could read or serve, and that were kept",
}
OF_STRESS: Final = {**AT_ANY_TIME, **AT_THE_END}
SHARES: Final = frozenset({"memory.growth"})  # beside those whose name ends in share
