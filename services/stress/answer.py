"""What came of a stress run, in sentences."""

from collections.abc import Mapping
from typing import Any

from services.stress.wording import figure, said

Summary = Mapping[str, Any]


def answer(summary: Summary) -> list[str]:
    """Return in sentences what came of the run."""
    shown = summary["metrics"]
    lines = []
    knee = summary["knee"]
    if knee is not None:
        words = knee["words"]
        lines.append(f"The knee: {words}.")
    due, answered = (said(n, shown[n]) for n in ("offered_per_s", "throughput_per_s"))
    where = "At the knee" if knee is not None else "In the figures' time"
    p50, p99 = (figure(f"latency.{name}_ms", summary) for name in ("p50", "p99"))
    lines.append(
        f"{where}, {due} were due and {answered} answered; half of the cases within {p50}, 99 % "
        f"within {p99}."
    )
    if shown["shed.count"]:
        parts = [f"{one['shed']:,} of {one['offered']:,} {one['level']}" for one in _shed(summary)]
        lines.append(f"Shed: {', '.join(parts)}.")
    lines.append(_nothing_lost(summary))
    faults = summary["faults"]
    if faults:
        passed = sum(one["passed"] for one in faults)
        slowest = figure("recovery_s.max", summary)
        lines.append(
            f"{passed} of {len(faults)} faults were recovered from; the slowest took {slowest} "
            "from its begin."
        )
    return lines


def _shed(summary: Summary) -> list[Mapping[str, Any]]:
    return [one for one in summary["levels"] if one["offered"]]


def _nothing_lost(summary: Summary) -> str:
    audit = summary["audit"]
    if audit is None:
        return "The log was not audited."
    if audit["passed"]:
        return (
            f"Audit: all {audit['sent']:,} cases that were sent are answered once in the record, "
            "and the mirror equals the fold of the log."
        )
    return f"Audit: {'; '.join(audit['words'])}."
