"""What a scenario must satisfy as a whole: each check yields places and reasons.

Checks of one value alone stand at its field; these look at several.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final

from simulator.language.arrivals import ReplayArrivals
from simulator.language.cases import ImageCases, ImageModel, NominalCases
from simulator.language.classes import ClassSpec
from simulator.language.conditions import parse_condition
from simulator.language.form import ScenarioForm
from simulator.language.load import offered_load
from simulator.language.metrics import check_metric
from simulator.language.nearest import nearest
from simulator.language.pathway import END, OTHERWISE, StaffedNode, TwinNode, targets
from simulator.language.quantities import QuantityError
from simulator.language.yaml_source import Path

Problem = tuple[Path, str]  # where, and what is wrong
Found = Iterator[Problem]


def problems(scenario: ScenarioForm) -> Found:
    """Yield every problem; later checks are left out where they would only repeat earlier ones."""
    for stage in _STAGES:
        found = [problem for check in stage for problem in check(scenario)]
        if found:
            yield from found
            return


def _ends(scenario: ScenarioForm) -> Found:
    specs = [c.arrivals or scenario.arrivals for c in scenario.patient_classes]
    endless = any(not isinstance(spec, ReplayArrivals) for spec in specs)
    finite = scenario.cases.count or isinstance(scenario.cases, ImageCases)
    if scenario.horizon_min is None and endless and not finite:
        yield (), "arrivals never end: give a horizon or cases.count"
    if scenario.horizon_min is None and scenario.ending == "stop":
        yield ("ending",), "stop needs a horizon"
    warmup_min = scenario.warmup_min
    if isinstance(warmup_min, float) and warmup_min >= (scenario.horizon_min or math.inf):
        yield ("warmup",), "is not shorter than the horizon: nothing would be left to measure"


def _names(scenario: ScenarioForm) -> Found:
    for key, ids in (
        ("pathway", [node.id for node in scenario.pathway]),
        ("classes", [patient_class.id for patient_class in scenario.classes]),
    ):
        for place, name in enumerate(ids):
            if name in ids[:place]:
                yield (key, place, "id"), f"{name!r} appears twice"


def _who_comes(scenario: ScenarioForm) -> Found:
    shared = [c.share for c in scenario.classes if c.share is not None]
    if not scenario.classes and scenario.arrivals is None:
        yield ("arrivals",), "is required: when do patients come?"
    if scenario.classes and scenario.arrivals is not None and not shared:
        yield ("arrivals",), "belongs to no class: give the classes a share, or leave it out"
    if shared and scenario.arrivals is None:
        yield ("arrivals",), "is required where classes have a share of it"
    if shared and abs(sum(shared) - 1) > 1e-6:
        yield ("classes",), f"shares of the arrivals sum to {sum(shared):.6g}, not to 1"
    for place, one in enumerate(scenario.classes):
        if (one.arrivals is None) == (one.share is None):
            yield ("classes", place), f"{one.id!r} needs arrivals of its own or a share"
        if one.population is not None and isinstance(scenario.cases, ImageCases):
            yield ("classes", place, "population"), "images bring their own facts"


def _known(scenario: ScenarioForm, path: Path, name: str, known: list[str], what: str) -> Found:
    if name not in known:
        listed = ", ".join(known) or "nothing"
        yield path, f"no {what} {name!r}{nearest(name, known)} (there are {listed})"


def _targets_exist(scenario: ScenarioForm) -> Found:
    ids = [node.id for node in scenario.pathway]
    places = [*ids, END]
    for index, node in enumerate(scenario.pathway):
        for target in node.then:
            yield from _known(scenario, ("pathway", index, "then"), target, places, "node")
        if isinstance(node, StaffedNode):
            here: Path = ("pathway", index)
            for name in node.staff:
                path = (*here, "staff")
                yield from _known(scenario, path, name, list(scenario.staff), "staff group")
            if len(set(node.staff)) < len(node.staff):
                yield (*here, "staff"), "names a group twice"
            for key in ("full", "left"):
                target = getattr(node.queue, key)
                yield from _known(scenario, (*here, "queue", key), target, places, "node")
    staffed = [node.id for node in scenario.staffed()]
    for index, one in enumerate(scenario.classes):
        path = ("classes", index)
        if one.enter is not None:
            yield from _known(scenario, (*path, "enter"), one.enter, ids, "node")
        for key, valid in (("then", ids), ("service", staffed), ("patience", staffed)):
            for name in getattr(one, key):
                yield from _known(scenario, (*path, key, name), name, valid, "node")
        for name in one.priority if isinstance(one.priority, dict) else ():
            yield from _known(scenario, (*path, "priority", name), name, staffed, "node")
        for name, routes in one.then.items():
            for target in routes:
                here = (*path, "then", name)
                yield from _known(scenario, here, target, places, "node")


def _conditions_hold(scenario: ScenarioForm) -> Found:
    attributes = {name for one in scenario.classes for name in one.attributes}
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
    if "referred" in facts and not any(node.decision != "no" for node in scenario.staffed()):
        yield path, "asks whether the patient is referred; no node decides (decides: alone)"


def _successors(scenario: ScenarioForm, one: ClassSpec) -> dict[str, set[str]]:
    after = {node.id: set(targets(node)) for node in scenario.pathway}
    for name, routes in one.then.items():
        after[name] = after[name] - set(_node(scenario, name).then) | set(routes)
        node = _node(scenario, name)
        if isinstance(node, StaffedNode):
            after[name] |= set(targets(node)) - set(node.then)
    for name in one.patience:
        node = _node(scenario, name)
        if isinstance(node, StaffedNode):
            after[name].add(node.queue.left)
    return after


def _node(scenario: ScenarioForm, name: str) -> object:
    return next(node for node in scenario.pathway if node.id == name)


def _reached(after: dict[str, set[str]], first: str, without: frozenset[str]) -> set[str]:
    seen, edge = set(), [first]
    while edge:
        here = edge.pop()
        if here in seen or here in without:
            continue
        seen.add(here)
        edge += after.get(here, ())
    return seen


def _leads_out(scenario: ScenarioForm) -> Found:
    visited: set[str] = set()
    ids = [node.id for node in scenario.pathway]
    for one in scenario.patient_classes:
        after = _successors(scenario, one)
        reached = _reached(after, one.enter or ids[0], frozenset())
        visited |= reached
        for name in ids:
            if name in reached and END not in _reached(after, name, frozenset()):
                path = ("pathway", ids.index(name), "then")
                who = f" for class {one.id!r}" if scenario.classes else ""
                yield path, f"a cycle without exit{who}: from {name!r} nobody ever reaches end"
                break
    for index, name in enumerate(ids):
        if name not in visited:
            yield ("pathway", index), f"{name!r} is never reached: no node leads there"


def _orders(scenario: ScenarioForm) -> Found:
    scoring = frozenset(node.id for node in scenario.pathway if isinstance(node, TwinNode))
    first_of: dict[str, StaffedNode] = {}
    for index, node in enumerate(scenario.pathway):
        if not isinstance(node, StaffedNode):
            continue
        path = ("pathway", index, "queue")
        if node.queue.order in {"ai", "flag"}:
            for one in scenario.patient_classes:
                after = _successors(scenario, one)
                enter = one.enter or scenario.pathway[0].id
                if node.id in _reached(after, enter, scoring):
                    reason = "can be reached without a score: lead every way through the AI first"
                    yield path, f"order {node.queue.order!r} at {node.id!r} {reason}"
                    break
        for name in node.staff:
            other = first_of.setdefault(name, node)
            if other.queue.order != node.queue.order:
                reason = f"{name!r} also serves {other.id!r} in order {other.queue.order!r}"
                yield path, f"{reason}; one group has one order"
            if (node.queue.preempt != "no" or other.queue.preempt != "no") and len(node.staff) > 1:
                yield path, "preempt needs a node with one staff group"
        if node.queue.preempt != "no" and node.queue.order == "fifo":
            yield path, "preempt needs an order: priority, ai or flag"
    if scenario.cases.source == "nominal" and isinstance(scenario.cases, NominalCases):
        yield from _nominal(scenario, scenario.cases)


def _nominal(scenario: ScenarioForm, cases: NominalCases) -> Found:
    if scenario.scores() and cases.ai is None:
        yield ("cases", "ai"), "is required: a node has 'twin: score', and nominal cases no image"
    populated = all(scenario.population_of(one) for one in scenario.patient_classes)
    if (cases.ai or any(n.decision != "no" for n in scenario.staffed())) and not populated:
        yield ("cases", "population"), "is required: verdicts and decisions need a truth"


def _honest(scenario: ScenarioForm) -> Found:
    if not isinstance(scenario.cases, ImageCases):
        return
    if "model" not in scenario.model_fields_set:
        yield ("model",), "is required with images: say what the model learns from"
    if isinstance(scenario.model, ImageModel):
        learnt, shown = scenario.model.split, scenario.cases.images.split
        if "all" in {learnt, shown} or learnt == shown:
            reason = f"learns from {learnt!r} while the cases are {shown!r}"
            yield ("model", "split"), f"{reason}: it would be examined on what it has seen"


def _stable(scenario: ScenarioForm) -> Found:
    if scenario.allow_unstable or math.isfinite(scenario.patient_count):
        return
    if isinstance(scenario.cases, ImageCases):
        return
    for name, load in offered_load(scenario).items():
        if load.grows:
            reason = f"estimated load {load.share:.2f} of what the group can do: {load.why}"
            cure = "more staff, fewer arrivals, a cases.count, or allow_unstable: true"
            yield ("staff", name), f"{reason}; {cure}"


def _asked(scenario: ScenarioForm) -> Found:
    for index, gate in enumerate(scenario.gates):
        for reason in check_metric(scenario, gate.metric):
            yield ("gates", index), reason
    for index, metric in enumerate(scenario.replications.of):
        for reason in check_metric(scenario, metric):
            yield ("replications", "of", index), reason


_Check = Callable[[ScenarioForm], Found]
_STAGES: Final[tuple[tuple[_Check, ...], ...]] = (
    (_ends, _names, _who_comes),
    (_targets_exist,),
    (_conditions_hold, _leads_out, _orders, _honest),
    (_asked, _stable),
)
