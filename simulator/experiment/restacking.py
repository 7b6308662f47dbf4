"""Decisions about the stack, all replications together, and the lineage of the first."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.experiment.result import ReplicationResult

REASONS: Final = 3  # of each verdict that are told; assumption
_NUMBER: Final = re.compile(r"[-+−]?\d[\d,]*(\.\d+)?")
VERDICTS: Final = ("promoted", "rolled back", "rejected", "waiting", "kept")


def restacking(results: Sequence[ReplicationResult]) -> dict[str, Any] | None:
    """Return plain data for summary.json; None where nothing was decided.

    Lineage and gates are those of the first replication; events.jsonl has them of all.
    """
    told = [result.loop["decisions"] for result in results]
    every = [one for rows in told for one in rows if one["epoch"] > 0]
    if not every:
        return None
    first = told[0]
    return {
        "epochs": len(every),
        "verdicts": [_counted(verdict, every) for verdict in VERDICTS],
        "promotions": [_times(rows, "promoted") for rows in told],
        "rollbacks": [_times(rows, "rolled back") for rows in told],
        "last_version": [max((one["version"] for one in rows), default=0) for rows in told],
        "lineage": [_ancestor(one) for one in first if one["verdict"] == "promoted"],
        "gates": [
            {name: one[name] for name in ("at_min", "epoch", "version", "how", "reason", "gate")}
            | {"verdict": verdict_of(one)}
            for one in _gated(first)
        ],
        "weights": [
            {"version": one["version"], "at_min": one["at_min"], "weights": one["weights"]}
            for one in first
            if one["verdict"] == "promoted"
        ],
    }


def verdict_of(one: Mapping[str, Any]) -> str:
    """Return what became of a decision; a rollback is no promotion of something new."""
    back = one["verdict"] == "promoted" and one["how"] == "rollback"
    return "rolled back" if back else str(one["verdict"])


def _counted(verdict: str, every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    these = [one for one in every if verdict_of(one) == verdict]
    reasons = Counter(_kind(one) for one in these)
    example = {_kind(one): one["reason"] for one in reversed(these)}
    return {
        "verdict": verdict,
        "times": len(these),
        "remedies": dict(Counter(one["how"] for one in these if one["how"]).most_common()),
        "reasons": [
            {"times": times, "kind": kind, "example": example[kind]}
            for kind, times in reasons.most_common(REASONS)
        ],
    }


def _kind(one: Mapping[str, Any]) -> str:
    """Return what a reason is about: the line of the gate, or its words without their numbers.

    >>> _kind({"reason": "only 12 labels, 50 are needed"})
    'only … labels, … are needed'
    """
    return str(one.get("decided_by") or _NUMBER.sub("…", one["reason"]))


def _times(rows: Sequence[Mapping[str, Any]], verdict: str) -> list[float]:
    return [one["at_min"] for one in rows if one["epoch"] > 0 and verdict_of(one) == verdict]


def _gated(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return decisions with a gate: each promotion, and the last one that was refused."""
    found = [one for one in rows if one.get("gate") and one["verdict"] == "promoted"]
    last = rows[-1] if rows else None
    if last is not None and last.get("gate") and last["verdict"] != "promoted":
        found.append(last)
    return found


_ANCESTRY: Final = ("version", "parent", "restores", "how", "at_min", "epoch", "window_from_min")
_FIT: Final = ("labels", "malignant", "threshold", "digest", "reason")


def _ancestor(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in (*_ANCESTRY, *_FIT)}
