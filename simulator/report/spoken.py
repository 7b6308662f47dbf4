"""Parts of a resolved scenario in words: distributions, arrivals, routes, rosters."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Plain = Mapping[str, Any]  # a scenario or part of it, as its resolved YAML has it

_ORDERS: Final = {
    "fifo": "first come, first served",
    "priority": "by priority",
    "ai": "by the AI's probability",
    "flag": "those whom the AI flags first",
}


def spoken(value: object) -> str:
    """Return plain data in one line.

    >>> spoken({"lognormal": {"mean": "6 min", "sd": "2 min"}})
    'lognormal (mean 6 min, sd 2 min)'
    >>> spoken({"rate_per_d": 60.0, "no_show": 0.0})
    'rate_per_d 60, no_show 0'
    """
    if isinstance(value, Mapping):
        if len(value) == 1:
            [(key, inner)] = value.items()
            told = spoken(inner)
            return f"{key} ({told})" if isinstance(inner, Mapping) else f"{key} {told}"
        return ", ".join(
            f"{key} ({spoken(inner)})" if isinstance(inner, Mapping) else f"{key} {spoken(inner)}"
            for key, inner in value.items()
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        each = [spoken(inner) for inner in value]
        shown = each if len(each) <= 8 else [*each[:6], f"… ({len(each)} in all)"]
        return ", ".join(shown) if shown else "none"
    return str(value)


def routes(then: Mapping[str, object]) -> str:
    """Return where patients go next.

    >>> routes({"biopsy": "referred", "end": "otherwise"})
    'biopsy if referred, end otherwise'
    >>> routes({"end": "otherwise"}), routes({"xray": 0.3, "end": 0.7})
    ('end', 'xray for 30 %, end for 70 %')
    """
    if list(then.values()) == ["otherwise"]:
        return next(iter(then))
    said = []
    for target, when in then.items():
        if isinstance(when, int | float):
            said.append(f"{target} for {when * 100:g} %")
        elif when == "otherwise":
            said.append(f"{target} otherwise")
        else:
            said.append(f"{target} if {when}")
    return ", ".join(said)


def does(node: Plain) -> str:
    """Return what happens at a node."""
    if "twin" in node:
        return "the AI scores; takes no simulated time"
    if "delay" in node:
        return f"time passes: {spoken(node['delay'])}"
    return f"{' and '.join(node['staff'])} takes {spoken(node['service'])}"


def queued(node: Plain) -> str:
    """Return how a node's queue is ordered and left."""
    queue = node.get("queue")
    if queue is None:
        return "no queue"
    said = [_ORDERS.get(queue["order"], str(queue["order"]))]
    if queue.get("preempt") == "resume":
        said.append("the more urgent interrupt")
    if "overdue_after" in queue:
        said.append(f"first after waiting {queue['overdue_after']}")
    if "room" in queue:
        said.append(f"room for {queue['room']}; when full, to {queue['full']}")
    if "balk" in queue:
        said.append(f"turn away: {spoken(queue['balk'])}")
    if "patience" in queue:
        said.append(f"leave after {spoken(queue['patience'])}, to {queue['left']}")
    return "; ".join(said)


def on_duty(staff: Plain) -> str:
    """Return how many people of a group work when."""
    count = staff.get("count")
    roster = staff.get("roster")
    if roster is None:
        said = f"{count} at all times"
    else:
        said = "; ".join(f"{duty.get('count', count)} {duty['during']}" for duty in roster)
    if staff.get("absent"):
        said += f"; away: {'; '.join(spoken(absence) for absence in staff['absent'])}"
    return said


def arrivals(scenario: Plain) -> Iterator[str]:
    """Yield when patients come, by class where there are classes."""
    if scenario.get("arrivals"):
        yield spoken(scenario["arrivals"])
    for one in scenario.get("classes", ()):
        if one.get("arrivals"):
            yield f"{one['id']}: {spoken(one['arrivals'])}"
        elif one.get("share") is not None:
            yield f"{one['id']}: {one['share'] * 100:g} % of them"


def differing(base: Plain, other: Plain) -> list[tuple[str, str, str]]:
    """Return the keys at which two scenarios differ, with either value.

    >>> differing({"staff": {"nurse": {"count": 1}}}, {"staff": {"nurse": {"count": 2}}})
    [('staff.nurse.count', '1', '2')]
    """
    before, after = dict(_leaves(base)), dict(_leaves(other))
    return [
        (key, before.get(key, "–"), after.get(key, "–"))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{inner.get('id', place)}")
    else:
        yield path, spoken(value)
