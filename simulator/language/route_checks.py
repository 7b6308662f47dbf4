"""What the pathway must satisfy as a whole: every way exists, ends, and keeps to its order."""

from collections.abc import Collection, Iterator, Mapping

from simulator.language.conditions import parse_condition
from simulator.language.form import ScenarioForm
from simulator.language.nearest import nearest
from simulator.language.pathway import END, OTHERWISE, StaffedNode, TwinNode
from simulator.language.ways import entrance, leads_out, reached, served_ways, ways, written_ways
from simulator.language.words import listed, shown
from simulator.language.yaml_source import Path
from simulator.quantities import QuantityError

Problem = tuple[Path, str]  # where, and what is wrong
Found = Iterator[Problem]


def targets_exist(scenario: ScenarioForm) -> Found:
    """Yield nodes and staff groups that are named and are not there."""
    ids = [node.id for node in scenario.pathway]
    for index, node in enumerate(scenario.pathway):
        yield from _targets(("pathway", index, "then"), node.then, ids)
        if not isinstance(node, StaffedNode):
            continue
        path: Path = ("pathway", index, "staff")
        for name in node.staff:
            yield from _known(path, name, scenario.staff, "staff group")
        if len(set(node.staff)) < len(node.staff):
            yield path, "names a group twice"
        for key in ("full", "left"):
            path = ("pathway", index, "queue", key)
            yield from _known(path, getattr(node.queue, key), [*ids, END], "node")
    for index, one in enumerate(scenario.classes):
        path = ("classes", index)
        if one.enter is not None:
            yield from _known((*path, "enter"), one.enter, ids, "node")
        yield from _nodes_of_class(scenario, path, one.priority, "priority")
        yield from _nodes_of_class(scenario, path, one.service, "service")
        yield from _nodes_of_class(scenario, path, one.patience, "patience")
        for name, then in one.then.items():
            yield from _known((*path, "then", name), name, ids, "node")
            yield from _targets((*path, "then", name), then, ids)


def _nodes_of_class(scenario: ScenarioForm, path: Path, given: object, key: str) -> Found:
    staffed = [node.id for node in scenario.staffed()]
    for name in given if isinstance(given, dict) else ():
        yield from _known((*path, key, name), name, staffed, "node with staff")


def _targets(path: Path, then: Collection[str], ids: list[str]) -> Found:
    for target in then:
        here = (*path, target) if len(then) > 1 else path
        yield from _known(here, target, [*ids, END], "node")


def _known(path: Path, name: str, known: Collection[str], what: str) -> Found:
    if name not in known:
        yield path, f"no {what} {shown(name)}{nearest(name, known)} (known: {listed(known)})"


def conditions_hold(scenario: ScenarioForm) -> Found:
    """Yield conditions that are none, or that ask for what no patient has."""
    attributes = {name for one in scenario.classes for name in one.attributes}
    routes: list[tuple[Path, Mapping[str, float | str]]]
    routes = [(("pathway", i, "then"), node.then) for i, node in enumerate(scenario.pathway)]
    for index, one in enumerate(scenario.classes):
        routes += [(("classes", index, "then", name), then) for name, then in one.then.items()]
    for path, then in routes:
        for target, when in then.items():
            if isinstance(when, str) and when != OTHERWISE:
                try:
                    condition = parse_condition(when, attributes)
                except QuantityError as error:
                    yield (*path, target), error.args[1]
                    continue
                yield from _answerable(scenario, (*path, target), condition.facts)


def _answerable(scenario: ScenarioForm, path: Path, facts: frozenset[str]) -> Found:
    if {"flagged", "p_malignant"} & facts and not scenario.scores():
        yield path, "asks for the AI's verdict; no node has 'twin: score'"
    if "referred" in facts and not scenario.decides():
        yield path, "asks whether the patient is referred; no node decides (decides: alone)"


def everybody_leaves(scenario: ScenarioForm) -> Found:
    """Yield cycles without exit, and nodes that nobody reaches."""
    if not scenario.pathway:  # as a stress run may do without
        return
    visited: set[str] = set()
    trapped = False
    ids = [node.id for node in scenario.pathway]
    for one in scenario.patient_classes:
        here = reached(written_ways(scenario, one), entrance(scenario, one))
        visited |= here
        after = served_ways(scenario, one)
        caught = [name for name in ids if name in here and not leads_out(after, name)]
        if caught:
            trapped = True
            who = f" for class {one.id!r}" if scenario.classes else ""
            reason = (
                f"a cycle without exit{who}: whoever is served at {listed(caught)} never leaves"
            )
            yield ("pathway", ids.index(caught[0]), "then"), reason
    for index, name in enumerate(ids):
        # Behind a cycle without exit nothing is reached; that is one problem, not two.
        if name not in visited and not trapped:
            yield ("pathway", index), f"{name!r} is never reached: no node leads there"


def orders_hold(scenario: ScenarioForm) -> Found:
    """Yield queues whose order cannot be kept."""
    first_of: dict[str, StaffedNode] = {}
    for index, node in enumerate(scenario.pathway):
        if not isinstance(node, StaffedNode):
            continue
        path: Path = ("pathway", index, "queue")
        if node.queue.order in {"ai", "flag"} and _unscored(scenario, node.id):
            reason = "can be reached without a score: lead every way through 'twin: score' first"
            yield path, f"order {node.queue.order!r} at {node.id!r} {reason}"
        for name in node.staff:
            other = first_of.setdefault(name, node)
            if other.queue.order != node.queue.order:
                reason = f"{name!r} also serves {other.id!r} in order {other.queue.order!r}"
                yield path, f"order {node.queue.order!r}: {reason}; one group has one order"
            if (node.queue.preempt != "no" or other.queue.preempt != "no") and len(node.staff) > 1:
                reason = f"{node.id!r} needs {listed(node.staff)} at once"
                yield path, f"{reason}; preempt needs nodes with one staff group"
        if node.queue.preempt != "no" and node.queue.order == "fifo":
            yield path, "preempt needs an order: priority, ai or flag; it is 'fifo'"


def _unscored(scenario: ScenarioForm, node: str) -> bool:
    scoring = frozenset(node.id for node in scenario.pathway if isinstance(node, TwinNode))
    return any(
        node in reached(ways(scenario, one), entrance(scenario, one), barred=scoring)
        for one in scenario.patient_classes
    )
