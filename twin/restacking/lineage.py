"""All stack versions and decisions of a log, rebuilt from the log alone, and checked.

What is checked: every digest is worked out again; versions follow one another without a gap;
each has the version that was in force before it as its parent; a rollback has the weights of the
version that it restores. A log that was altered anywhere in there is refused with its line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from twin.errors import DataError
from twin.events import DriftReported, Event, StackPromoted, StackRejected
from twin.stacks import StackVersion, digest_of, version_of

Decision = StackPromoted | StackRejected
_E = TypeVar("_E", StackPromoted, StackRejected)


@dataclass(frozen=True, slots=True)
class Lineage:
    """What became of the stack in one run, in order."""

    source: str  # the log, for messages
    versions: tuple[StackPromoted, ...]  # place n is version n
    rejections: tuple[StackRejected, ...] = ()  # "rejected", "waiting" and "kept"
    drift: Mapping[int, DriftReported] = field(default_factory=dict)  # by epoch

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All decisions in the order of their epochs."""
        return tuple(sorted((*self.versions, *self.rejections), key=lambda one: one.epoch))

    def version(self, number: int) -> StackPromoted:
        """Return a version.

        Raises:
            DataError: there is none of that number; the message names those there are.
        """
        if not 0 <= number < len(self.versions):
            last = len(self.versions) - 1
            known = "version 0 only" if last == 0 else f"versions 0 to {last}"
            raise DataError(self.source, f"has no stack version {number}; it has {known}")
        return self.versions[number]

    def stack(self, number: int) -> StackVersion:
        """Return the stack that a version answers with."""
        return version_of(self.version(number))

    def at_epoch(self, epoch: int) -> Decision:
        """Return what was decided at an epoch.

        Raises:
            DataError: nothing was.
        """
        for one in self.decisions:
            if one.epoch == epoch:
                return one
        last = max(one.epoch for one in self.decisions)
        reason = f"decided nothing at epoch {epoch}; its epochs are 0 to {last}"
        raise DataError(self.source, reason)

    def in_force(self, at_min: float) -> StackPromoted:
        """Return the version that answers a case which arrives at a time."""
        return [one for one in self.versions if one.at_min <= at_min or one.version == 0][-1]

    def ancestors(self, number: int) -> tuple[int, ...]:
        """Return where a version's weights come from, nearest first.

        A rollback's are those of the version that it restores, so the way leads on from there.
        """
        found = []
        at = self.version(number)
        while (before := at.parent if at.restores is None else at.restores) is not None:
            found.append(before)
            at = self.version(before)
        return tuple(found)


def lineage_of(events: Iterable[Event], source: str = "log") -> Lineage:
    """Return the lineage that a log tells; an event that is there twice counts once.

    Parameters:
        events: of one run, one a line, in any order; others than stack events are passed over.
        source: the log's name, for messages.

    Raises:
        DataError: there is no stack event in it, or it was altered; with the line.
    """
    promoted: dict[int, tuple[int, StackPromoted]] = {}
    rejected: dict[int, tuple[int, StackRejected]] = {}
    drift: dict[int, DriftReported] = {}
    for number, event in enumerate(events, start=1):
        if isinstance(event, StackPromoted):
            _check_digest(event, f"{source}:{number}")
            _once(promoted, event.version, number, event, source)
        elif isinstance(event, StackRejected):
            _once(rejected, event.epoch, number, event, source)
        elif isinstance(event, DriftReported):
            drift[event.epoch] = event
    if not promoted:
        raise DataError(source, "holds no stack version: nothing was re-stacked in this run")
    versions = [promoted[version] for version in sorted(promoted)]
    for place, (number, event) in enumerate(versions):
        _check_place(place, event, versions, f"{source}:{number}")
    epochs = {event.epoch for _, event in versions}
    for number, refusal in rejected.values():
        where = f"{source}:{number}"
        if refusal.epoch in epochs:
            raise DataError(where, f"epoch {refusal.epoch} was decided twice")
        if refusal.version not in promoted:
            raise DataError(where, f"stack {refusal.version} stays, but the log does not hold it")
    return Lineage(
        source=source,
        versions=tuple(event for _, event in versions),
        rejections=tuple(rejected[epoch][1] for epoch in sorted(rejected)),
        drift=dict(sorted(drift.items())),
    )


def _once(found: dict[int, tuple[int, _E]], key: int, number: int, event: _E, source: str) -> None:
    """Take an event in, unless it is there already."""
    first, known = found.setdefault(key, (number, event))
    if known != event:
        what = "version" if isinstance(event, StackPromoted) else "epoch"
        reason = f"{what} {key} differs from what line {first} says of it: the log was altered"
        raise DataError(f"{source}:{number}", reason)


def _check_digest(event: StackPromoted, where: str) -> None:
    found = digest_of(event.threshold, event.penalty, event.stacks, event.inputs)
    if found != event.digest:
        reason = f"digest is {found[:12]}..., not {event.digest[:12]}...: the log was altered"
        raise DataError(where, f"stack {event.version}: {reason}")
    for joined, numbers in event.stacks.items():
        wanted = 1 + len(joined.split("+")) + len(event.inputs)
        if len(numbers) != wanted:
            reason = f"{joined} has {len(numbers)} numbers, not {wanted}"
            raise DataError(where, f"stack {event.version}: {reason}")


def _check_place(
    place: int, event: StackPromoted, versions: list[tuple[int, StackPromoted]], where: str
) -> None:
    """Hold a version against those before it."""
    if event.version != place:
        raise DataError(where, f"stack {event.version}, but the log holds no stack {place}")
    parent = place - 1 if place else None
    if event.parent != parent:
        reason = f"its parent is {event.parent}, but {parent} was in force before it"
        raise DataError(where, f"stack {event.version}: {reason}")
    if place and event.epoch <= versions[place - 1][1].epoch:
        raise DataError(where, f"stack {event.version} is of an epoch before its parent's")
    if event.restores is not None:
        if not 0 <= event.restores < place:
            raise DataError(where, f"stack {event.version} restores {event.restores}, a later one")
        if versions[event.restores][1].digest != event.digest:
            reason = f"restores {event.restores}, but has other weights"
            raise DataError(where, f"stack {event.version} {reason}")
