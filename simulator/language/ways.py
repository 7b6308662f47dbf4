"""The pathway as a graph: where a class of patients can go from each node."""

from collections.abc import Mapping

from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.pathway import END, OTHERWISE, Node, StaffedNode

Ways = Mapping[str, frozenset[str]]  # node -> nodes that can come next


def open_routes(then: Mapping[str, float | str]) -> frozenset[str]:
    """Return the targets that somebody can take: none that has a probability of 0.

    >>> sorted(open_routes({"a": 0.0, "b": 1.0, "c": "otherwise"}))
    ['b']
    """
    shares = {target: when for target, when in then.items() if isinstance(when, float)}
    rest = 1 - sum(shares.values())
    return frozenset(
        target
        for target, when in then.items()
        if (when > 0 if isinstance(when, float) else when != OTHERWISE or rest > 1e-9)
    )


def turned_away(node: Node, one: ClassSpec) -> frozenset[str]:
    """Return where those of a class go who are not served at a node."""
    if not isinstance(node, StaffedNode):
        return frozenset()
    queue = node.queue
    found = {queue.full} if queue.room is not None else set()
    if queue.balk or queue.patience or node.id in one.patience:
        found.add(queue.left)
    return frozenset(found)


def ways(scenario: ScenarioForm, one: ClassSpec) -> Ways:
    """Return where patients of a class can go."""
    after = served_ways(scenario, one)
    return {node.id: after[node.id] | turned_away(node, one) for node in scenario.pathway}


def served_ways(scenario: ScenarioForm, one: ClassSpec) -> Ways:
    """Return where patients of a class can go who were served."""
    routes = {node.id: one.then.get(node.id, node.then) for node in scenario.pathway}
    return {name: open_routes(then) for name, then in routes.items()}


def written_ways(scenario: ScenarioForm, one: ClassSpec) -> Ways:
    """Return all that a class's routes name, those with a probability of 0 included."""
    return {
        node.id: frozenset(one.then.get(node.id, node.then)) | turned_away(node, one)
        for node in scenario.pathway
    }


def entrance(scenario: ScenarioForm, one: ClassSpec) -> str:
    """Return the first node of a class."""
    return one.enter or scenario.pathway[0].id


def reached(after: Ways, first: str, *, barred: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the nodes that can be reached from `first`, itself included, not through `barred`."""
    seen: set[str] = set()
    edge = [first]
    while edge:
        here = edge.pop()
        if here not in seen and here not in barred:
            seen.add(here)
            edge += after.get(here, ())
    return frozenset(seen)


def leads_out(after: Ways, first: str) -> bool:
    """Return whether somebody at `first` can reach the end."""
    return END in reached(after, first)
