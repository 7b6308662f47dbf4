"""The answer in a few plain sentences, from gates and headline metrics."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.report.headlines import asked, headlines, main_node, value_of
from simulator.report.units import change, interval, value
from simulator.report.wording import label, per_cent, words

Summary = Mapping[str, Any]
Point = Mapping[str, Any]

_TOLD: Final = 2  # differences in the answer; the table has them all
_LISTED: Final = 4  # points that are named
_RESIDUE: Final = 1e-9  # of a value: below it, a difference is one of rounding; assumption


def answer(summary: Summary) -> list[str]:
    """Return the sentences."""
    points = summary["points"]
    if len(points) == 1:
        return [*_of_point(points[0]), *_gates(points[0]["gates"])]
    told = _compared(summary) if summary["kind"] == "compare" else _swept(points)
    return [*told, *_gates_by_point(points)]


def _of_point(point: Point) -> Iterator[str]:
    node = main_node(point)
    level = per_cent(point["confidence"])
    if node is not None:
        name = f"wait.{node}.mean"
        if (mean := value_of(point, name)) is None:
            yield f"Nobody was served at {node}."
        else:
            late = value_of(point, f"wait.{node}.p95")
            span = _span(name, point, level)
            tail = "" if late is None else f"; one in twenty waits longer than {_long(node, late)}"
            yield f"Patients wait {value(name, mean)} at {node} on average{span}{tail}."
    missed = value_of(point, "missed_malignant.share")
    if missed is not None:
        span = _span("missed_malignant.share", point, per_cent(point["confidence"]), bare=True)
        biopsies = value_of(point, "biopsies.per_malignant")
        cost = (
            "" if biopsies is None
            else f", at {biopsies:.1f} biopsies for each malignant lesion that is found"
        )  # fmt: skip
        share = value("missed_malignant.share", missed)
        yield f"{share} of malignant lesions are missed{span}{cost}."


def _long(node: str, minutes: float) -> str:
    return value(f"wait.{node}.p95", minutes)


def _span(name: str, point: Point, level: str, *, bare: bool = False) -> str:
    found = point["metrics"][name]
    span = interval(name, found)
    if not span:
        return "" if bare else f" (no interval: {found['reason']})"
    if not found["valid"]:
        return f" (interval {span} is not valid: {found['reason']})"
    return f" ({span})" if bare else f" ({level} interval {span})"


def _gates(gates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not gates:
        return
    failed = [gate for gate in gates if gate["verdict"] == "fail"]
    open_ = [gate for gate in gates if gate["verdict"] == "inconclusive"]
    if not failed and not open_:
        yield "The gate passes." if len(gates) == 1 else f"All {len(gates)} gates pass."
        return
    for some, verb, verbs in ((failed, "fails", "fail"), (open_, "is undecided", "are undecided")):
        if some:
            told = "; ".join(
                f"{gate['text']} (found {value(gate['metric'], gate['value'])})" for gate in some
            )
            which = "The gate" if len(gates) == 1 else f"{len(some)} of {len(gates)} gates"
            yield f"{which} {verb if len(some) == 1 else verbs}: {told}."


def _gates_by_point(points: Sequence[Point]) -> Iterator[str]:
    if not any(point["gates"] for point in points):
        return
    passing = [label(point) for point in points if point["gate"] == "pass"]
    if len(passing) == len(points):
        yield "All gates pass everywhere."
    elif not passing:
        yield "Nowhere do all gates pass."
    else:
        named = "; ".join(passing[:_LISTED])
        rest = f"; and {len(passing) - _LISTED} more" if len(passing) > _LISTED else ""
        yield f"All gates pass at {len(passing)} of {len(points)} points: {named}{rest}."


def _compared(summary: Summary) -> Iterator[str]:
    points = summary["points"]
    base = label(points[0])
    for point, found in zip(points[1:], summary["differences"], strict=True):
        certain = [name for name in headlines(points) if clear(found.get(name), points[0], name)]
        # What the scenario asks about comes first, then what differs most beyond chance.
        first = [name for name in asked(points) if name in certain]
        rest = sorted(set(certain) - set(first), key=lambda name: (-_strength(found[name]), name))
        told = [_told(name, points[0], point, found[name]) for name in [*first, *rest][:_TOLD]]
        other = label(point)
        if told:
            yield f"With {other} instead of {base}, {'; '.join(told)}."
        else:
            yield f"Between {other} and {base} no headline figure differs beyond chance."


def _told(name: str, base: Point, other: Point, found: Mapping[str, Any]) -> str:
    before, after = value_of(base, name), value_of(other, name)
    verb = "rises" if found["mean"] > 0 else "falls"
    _, span = change(name, before, found)
    sure = f"{per_cent(base['confidence'])} interval of the difference {span}"
    return f"the {words(name)} {verb} from {value(name, before)} to {value(name, after)} ({sure})"


def clear(found: Mapping[str, Any] | None, base: Point, name: str) -> bool:
    """Return whether a difference from a point is beyond chance: its valid interval leaves out 0.

    A residue of rounding is no difference, however sure.
    """
    if found is None or found["low"] is None or not found["valid"]:
        return False
    if abs(found["mean"]) <= _RESIDUE * abs(value_of(base, name) or 0.0):
        return False
    return bool(found["low"] > 0 or found["high"] < 0)


def _strength(found: Mapping[str, Any]) -> float:
    return float(abs(found["mean"]) / found["half_width"])


def _swept(points: Sequence[Point]) -> Iterator[str]:
    for name in asked(points)[:_TOLD]:
        known = [
            (found, place)
            for place, point in enumerate(points)
            if (found := value_of(point, name)) is not None
        ]
        if not known:
            continue
        (least, low), (most, high) = min(known), max(known)
        if least == most:
            yield f"Over {len(points)} points, the {words(name)} stays {value(name, least)}."
        else:
            yield (
                f"Over {len(points)} points, the {words(name)} ranges from {value(name, least)} "
                f"({label(points[low])}) to {value(name, most)} ({label(points[high])})."
            )
