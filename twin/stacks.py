"""The stacks that were in force, and which one answers a case: the last promoted before it."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twin.errors import InvariantError
from twin.events import StackPromoted
from twin.meta import MetaStack, MetaWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class StackVersion:
    """A meta-learner with its operating point."""

    number: int  # from 0, the one that the model came with
    meta: MetaStack
    threshold: float  # on p_malignant
    from_min: float = 0.0  # cases that arrive from then on are answered by it


class StackBook:
    """Which stack answers which case.

    Parameters:
        base: version 0.
    """

    def __init__(self, base: StackVersion) -> None:
        self._versions = [base]

    @property
    def latest(self) -> StackVersion:
        """The one in force now."""
        return self._versions[-1]

    def at(self, at_min: float) -> StackVersion:
        """Return the stack for a case that arrives at a time."""
        starts = [one.from_min for one in self._versions]
        return self._versions[max(0, bisect_right(starts, at_min) - 1)]

    def add(self, event: StackPromoted) -> bool:
        """Take over a promotion; return whether it is news.

        Raises:
            InvariantError: versions do not follow one another.
        """
        if event.version <= self.latest.number:
            return False
        if event.version != self.latest.number + 1:
            raise InvariantError(f"stack {event.version} follows stack {self.latest.number}")
        self._versions.append(version_of(event))
        return True


def version_of(event: StackPromoted) -> StackVersion:
    """Return the stack that an event holds."""
    stacks = {}
    for joined, (intercept, *weights) in event.stacks.items():
        there = tuple(joined.split("+"))
        columns = (*there, *event.inputs)
        stacks[there] = MetaWeights(
            intercept=intercept, weights=dict(zip(columns, weights, strict=True))
        )
    learners = max(stacks, key=len)
    meta = MetaStack(learners=learners, penalty=event.penalty, stacks=stacks, inputs=event.inputs)
    return StackVersion(
        number=event.version, meta=meta, threshold=event.threshold, from_min=event.at_min
    )


def plain(meta: MetaStack) -> dict[str, list[float]]:
    """Return stacks as an event holds them."""
    return {
        "+".join(there): [one.intercept, *(one.weights[name] for name in (*there, *meta.inputs))]
        for there, one in meta.stacks.items()
    }


def digest_of(
    threshold: float,
    penalty: float,
    stacks: Mapping[str, Sequence[float]],
    inputs: Sequence[str],
) -> str:
    """Return the sha256 (hex) of what a stack answers by: canonical JSON, as the log has it.

    Parameters:
        inputs: columns of the sketch that the last weights of each stack belong to; the same
            weights on other columns are another stack.

    >>> digest_of(0.5, 0.01, {"svm": [0.0, 1.0]}, ())[:12]
    '994e931014d1'
    """
    held = {
        "inputs": list(inputs),
        "penalty": penalty,
        "stacks": {joined: list(weights) for joined, weights in stacks.items()},
        "threshold": threshold,
    }
    text = json.dumps(held, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A learner that gives no scores to cases that arrive within a time."""

    component: str
    from_min: float
    to_min: float

    def hits(self, at_min: float) -> bool:
        """Return whether a case is without this learner."""
        return self.from_min <= at_min < self.to_min


def absent_at(outages: Sequence[Outage], at_min: float) -> frozenset[str]:
    """Return the learners that a case is without."""
    return frozenset(one.component for one in outages if one.hits(at_min))


def present(log_odds: Mapping[str, float], absent: frozenset[str]) -> dict[str, float]:
    """Return the scores of those who are there."""
    return {name: value for name, value in log_odds.items() if name not in absent}
