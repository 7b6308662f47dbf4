"""When a quantity of the twin first reached a value."""

from collections.abc import Callable, Iterator
from typing import Any

from services.api.live.change import Change
from services.api.live.history import History, promoted
from services.api.problems import ProblemError
from twin.events import (
    CaseArrived,
    CaseRejected,
    ComponentChanged,
    DriftReported,
    StackPromoted,
    VerdictIssued,
)

Values = Iterator[tuple[float, Change | None]]  # None: it was so before all that is kept


def first_crossing(history: History, of: str, at_least: float) -> dict[str, Any]:
    """Return the first record that made a quantity reach a value.

    Raises:
        ProblemError: 422, there is no such quantity.
    """
    found = next(
        ((value, change) for value, change in _values(history, of) if value >= at_least), None
    )
    change = found[1] if found else None
    event = change.event if change else None
    return {
        "of": of,
        "at_least": at_least,
        "crossed": found is not None,
        "revision": change.revision if change else (history.moments.first if found else None),
        "folded_unix_s": change.folded_unix_ms / 1000 if change else None,
        "event_min": getattr(event, "at_min", None),
        "value": found[0] if found else None,
        "id": change.id if change else None,
        "since_revision": history.moments.first,
    }


def _values(history: History, of: str) -> Values:
    head, _, rest = of.partition(".")
    if head == "counts" and rest in history.counts:
        return _counts(history, rest)
    if head == "components" and rest.rpartition(".")[0] in history.moments.now.components:
        name, _, fact = rest.rpartition(".")
        return _each(history, lambda one: _fact(one, name, fact))
    simple: dict[str, Callable[[Change], float | None]] = {
        "drift.alarms": _alarms,
        "verdict.p_malignant": _p_malignant,
    }
    if of in simple:
        return _each(history, simple[of])
    if of == "stack.version":
        return _versions(history)
    if of == "case.latency_ms":
        return _latencies(history)
    raise ProblemError(
        422,
        f"no quantity {of[:100]!r} is known: give counts.NAME, components.NAME.FACT, "
        f"{', '.join(simple)}, stack.version or case.latency_ms;"
        f" counts are {', '.join(sorted(history.counts))}",
    )


def _counts(history: History, name: str) -> Values:
    value = history.moments.at(history.moments.first).counts.get(name, 0)
    yield value, None
    for change in history.moments.changes:
        if name in change.deltas:
            value += change.deltas[name]
            yield value, change


def _each(history: History, value_of: Callable[[Change], float | None]) -> Values:
    for change in history.moments.changes:
        value = value_of(change)
        if value is not None:
            yield value, change


def _fact(change: Change, name: str, fact: str) -> float | None:
    event = change.event
    if not isinstance(event, ComponentChanged) or event.component != name:
        return None
    return float(event.restarts) if fact == "restarts" else event.facts.get(fact)


def _versions(history: History) -> Values:
    before = promoted(history.shelf("stacks", history.moments.first))
    if before:
        yield float(max(before)), None
    yield from _each(history, _version)


def _version(change: Change) -> float | None:
    event = change.event
    return float(event.version) if isinstance(event, StackPromoted) and change.changed else None


def _alarms(change: Change) -> float | None:
    event = change.event
    if not isinstance(event, DriftReported) or not change.changed:
        return None
    return float(sum(len(signal.alarms) for signal in event.signals))


def _p_malignant(change: Change) -> float | None:
    event = change.event
    return event.p_malignant if isinstance(event, VerdictIssued) and change.changed else None


def _latencies(history: History) -> Values:
    sent: dict[str, int] = {}
    for change in history.moments.changes:
        event = change.event
        if not change.changed:
            continue
        if isinstance(event, CaseArrived | VerdictIssued | CaseRejected):
            other = sent.pop(event.case_id, None)
            if other is None:
                sent[event.case_id] = change.sent_unix_ms
            else:
                yield float(abs(change.sent_unix_ms - other)), change
