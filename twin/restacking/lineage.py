"""Every version that there was: which is in force, what came before it, what a rollback restores."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from twin.errors import InvariantError
from twin.events import StackPromoted
from twin.reference import Reference
from twin.stacks import StackVersion, plain, version_of

_DIGITS = 12


def digest_of(
    threshold: float,
    penalty: float,
    inputs: Sequence[str],
    stacks: Mapping[str, Sequence[float]],
) -> str:
    """Return the first 12 hex digits of the sha256 of a stack in canonical JSON."""
    held = {
        "threshold": threshold,
        "penalty": penalty,
        "inputs": list(inputs),
        "stacks": {name: list(weights) for name, weights in stacks.items()},
    }
    text = json.dumps(held, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def first_version(base: StackVersion, reference: Reference, model_id: str) -> StackPromoted:
    """Return version 0 as an event."""
    stacks = plain(base.meta)
    return StackPromoted(
        at_min=0.0,
        epoch=0,
        version=0,
        parent=None,
        how="trained",
        model_id=model_id,
        threshold=base.threshold,
        penalty=base.meta.penalty,
        inputs=base.meta.inputs,
        stacks=stacks,
        digest=digest_of(base.threshold, base.meta.penalty, base.meta.inputs, stacks),
        window_from_min=0.0,
        labels=len(reference.malignant),
        malignant=int(reference.malignant.sum()),
        reason="the stack that the model came with",
    )


class Lineage:
    """The versions in their order.

    Parameters:
        first: version 0, from `first_version`.
        base: the same as a stack.
    """

    def __init__(self, first: StackPromoted, base: StackVersion) -> None:
        self._events = [first]
        self._versions = [base]

    @property
    def in_force(self) -> StackVersion:
        """The latest version."""
        return self._versions[-1]

    @property
    def latest(self) -> StackPromoted:
        """How it came to be."""
        return self._events[-1]

    @property
    def rolled_back_min(self) -> float:
        """When the last rollback was; labels of earlier cases are not fitted to again."""
        times = [event.at_min for event in self._events if event.how == "rollback"]
        return max(times, default=0.0)

    def add(self, event: StackPromoted) -> None:
        """Take a promotion in.

        Raises:
            InvariantError: versions do not follow one another.
        """
        if event.version != len(self._versions):
            raise InvariantError(f"stack {event.version} follows {len(self._versions) - 1}")
        self._events.append(event)
        self._versions.append(version_of(event))

    def knows(self, number: int) -> bool:
        """Return whether there is such a version."""
        return 0 <= number < len(self._versions)

    def version(self, number: int) -> StackVersion:
        """Return a version."""
        return self._versions[number]

    def event(self, number: int) -> StackPromoted:
        """Return the promotion of a version."""
        return self._events[number]

    def origin(self, number: int) -> int:
        """Return whose weights a version has: its own, or those that a rollback restored."""
        restores = self._events[number].restores
        return number if restores is None else self.origin(restores)
