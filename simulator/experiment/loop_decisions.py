"""What was decided about the stack in one replication, as plain data."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from twin.events import StackEvent, StackPromoted, StackRejected

_KEPT = ("at_min", "epoch", "version", "how", "window_from_min", "labels", "malignant", "reason")


def decisions(events: Sequence[StackEvent]) -> list[dict[str, Any]]:
    """Return a row for each decision in order; the gate of promotions and of the last one alone.

    The gate of every decision stands in events.jsonl.
    """
    told = [one for one in events if isinstance(one, StackPromoted | StackRejected)]
    return [_row(one, gate=one is told[-1]) for one in told]


def _row(one: StackPromoted | StackRejected, *, gate: bool) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in _KEPT} | {"threshold": one.threshold}
    if isinstance(one, StackPromoted):
        row |= {
            "verdict": "promoted",
            "parent": one.parent,
            "restores": one.restores,
            "digest": one.digest,
            "weights": weights(one),
        }
    else:
        row |= {"verdict": one.verdict, "decided_by": decided_by(one)}
    if gate or isinstance(one, StackPromoted):
        row["gate"] = [asdict(line) for line in one.gate]
        row["facts"] = dict(one.facts)
    return row


def decided_by(one: StackRejected) -> str:
    """Return the line of the gate that refused, such as "auc of sex=female"; "" for none."""
    line = next((line for line in one.gate if line.verdict == "fail"), None)
    if line is None:
        return ""
    return f"{line.metric} of {line.group}" if line.group else line.metric


def weights(one: StackPromoted) -> dict[str, float]:
    """Return the weights of the stack of all learners, "intercept" first."""
    joined = max(one.stacks, key=lambda names: names.count("+"))
    columns = ("intercept", *joined.split("+"), *one.inputs)
    return dict(zip(columns, one.stacks[joined], strict=True))
