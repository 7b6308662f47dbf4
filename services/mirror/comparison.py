"""A mirror beside the fold of its log: equal or not, and what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from twin.state import SHELF_OF, CaseState, TwinState, fingerprint

MOST_NAMED: Final = 10  # differences that are told; the others are counted: assumption
_OF_A_CASE: Final = ("arrived", "answer", "closed", "feedback", "revision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a log leads to, and what a mirror holds."""

    records: int  # of the log, up to where the mirror is
    counts: Mapping[str, tuple[int, int]]  # by kind: of the log, of the mirror
    fingerprints: tuple[str, str]
    differences: list[str]  # the first ones, in words
    more: int  # differences that are not among them

    @property
    def equal(self) -> bool:
        """Whether the mirror holds what the log leads to, to the last byte."""
        return not self.differences

    def told(self) -> dict[str, Any]:
        """Return it as plain data."""
        log, mirror = self.fingerprints
        return {
            "equal": self.equal,
            "records": self.records,
            "log": {"fingerprint": log, **{name: n for name, (n, _) in self.counts.items()}},
            "mirror": {"fingerprint": mirror, **{name: n for name, (_, n) in self.counts.items()}},
            "differences": self.differences,
            "more_differences": self.more,
        }


def compare(log: TwinState, mirror: TwinState, records: int) -> Comparison:
    """Hold a mirror against the fold of its log at the same position.

    Parameters:
        records: folded of the log.
    """
    names = dict.fromkeys((*log.counts, *mirror.counts))
    found = list(_differences(log, mirror))
    prints = fingerprint(log), fingerprint(mirror)
    if not found and prints[0] != prints[1]:
        found = ["the fingerprints differ"]
    return Comparison(
        records=records,
        counts={name: (log.counts.get(name, 0), mirror.counts.get(name, 0)) for name in names},
        fingerprints=prints,
        differences=found[:MOST_NAMED],
        more=max(0, len(found) - MOST_NAMED),
    )


def _differences(log: TwinState, mirror: TwinState) -> Iterator[str]:
    for name in dict.fromkeys((*log.counts, *mirror.counts)):
        ours, theirs = log.counts.get(name, 0), mirror.counts.get(name, 0)
        if ours != theirs:
            yield f"count of {name}: the log has {ours}, the mirror {theirs}"
    for place in sorted({*log.position, *mirror.position}):
        ours, theirs = log.position.get(place, -1), mirror.position.get(place, -1)
        if ours != theirs:
            where = f"{place[0]}/{place[1]}"
            yield f"position in {where}: the log ends at {ours}, the mirror is at {theirs}"
    for case_id in sorted({*log.cases, *mirror.cases}):
        yield from _of_case(case_id, log.cases.get(case_id), mirror.cases.get(case_id))
    for shelf in sorted(set(SHELF_OF.values())):
        yield from _of_shelf(f"{shelf} ", getattr(log, shelf), getattr(mirror, shelf))
    yield from _of_shelf("component ", log.components, mirror.components)


def _of_case(case_id: str, log: CaseState | None, mirror: CaseState | None) -> Iterator[str]:
    if mirror is None:
        yield f"case {case_id}: the mirror has none (it keeps a case 90 days after its last change)"
    elif log is None:
        yield f"case {case_id}: the log has none"
    else:
        for name in _OF_A_CASE:
            if getattr(log, name) != getattr(mirror, name):
                yield f"case {case_id}: {name} differs"


def _of_shelf(name: str, log: Mapping[Any, object], mirror: Mapping[Any, object]) -> Iterator[str]:
    for key in sorted({*log, *mirror}, key=str):
        if key not in mirror or key not in log:
            yield f"{name}{key}: the {'log' if key in mirror else 'mirror'} has none"
        elif log[key] != mirror[key]:
            yield f"{name}{key}: differs"
