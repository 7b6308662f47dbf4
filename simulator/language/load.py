"""How much work the arrivals bring to each staff group, before anything is simulated.

Mean visits follow from the routes: exactly, by the traffic equations (Jackson 1963, Management
Science 10(1), 131-142), where routes are probabilities; by walking sampled patients through the
pathway, without time, where routes ask for something.
"""

from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.language.cases import NominalCases
from simulator.language.classes import ClassSpec
from simulator.language.conditions import Test, parse_condition
from simulator.language.form import ScenarioForm
from simulator.language.pathway import END, OTHERWISE, DelayNode, StaffedNode, TwinNode
from simulator.language.staff import mean_capacity

WALKERS: Final = 2000  # patients walked per class; the standard error is taken into account
_MOST_STEPS: Final = 1000  # assumption: who walks further goes round in circles
# Assumption, for the estimate alone: what a model that is not known yet will be worth.
_TWIN_SENSITIVITY: Final = 0.85
_TWIN_SPECIFICITY: Final = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of a staff group."""

    share: float  # offered load over capacity, λ E[S] / c (Kleinrock 1975, section 2.1)
    error: float  # standard error of it; 0 where it is exact
    capacity: float  # mean number on duty
    grows: bool  # whether a queue without bound must grow without end
    why: str


def offered_load(scenario: ScenarioForm) -> dict[str, Load]:
    """Return the load of each staff group under the long-run mean rates of a week."""
    work: dict[str, float] = dict.fromkeys(scenario.staff, 0.0)
    unbounded = dict.fromkeys(scenario.staff, 0.0)
    variance = dict.fromkeys(scenario.staff, 0.0)
    for one in scenario.patient_classes:
        rate_per_min = rate_of(scenario, one)
        visits, errors = mean_visits(scenario, one)
        for node in scenario.staffed():
            mean_min = one.service.get(node.id, node.service).mean_min
            for name in node.staff:
                work[name] += rate_per_min * visits[node.id] * mean_min
                variance[name] += (rate_per_min * errors[node.id] * mean_min) ** 2
                if not _bounded(node, one):
                    unbounded[name] += rate_per_min * visits[node.id] * mean_min
    found = {}
    for name, staff in scenario.staff.items():
        capacity = mean_capacity(staff)
        error = float(np.sqrt(variance[name])) / capacity if capacity else 0.0
        share = work[name] / capacity if capacity else float("inf") if work[name] else 0.0
        endless = unbounded[name] / capacity if capacity else share
        found[name] = Load(
            share=share,
            error=error,
            capacity=capacity,
            grows=endless - 3 * error >= 1 - 1e-9,
            why=f"{work[name]:.3g} needed, {capacity:.3g} on duty on average",
        )
    return found


def rate_of(scenario: ScenarioForm, one: ClassSpec) -> float:
    """Return the long-run mean arrivals of a class per minute; 0 where a log is replayed."""
    spec = one.arrivals or scenario.arrivals
    assert spec is not None  # a sound scenario says when its patients come
    return (spec.mean_rate_per_min or 0.0) * (1.0 if one.share is None else one.share)


def mean_visits(
    scenario: ScenarioForm, one: ClassSpec
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the mean number of visits of a class to each node, and their standard errors."""
    routes = {node.id: one.then.get(node.id, node.then) for node in scenario.pathway}
    asks = any(
        isinstance(when, str) and when != OTHERWISE
        for then in routes.values()
        for when in then.values()
    )
    if asks:
        return _walked(scenario, one)
    index = {name: place for place, name in enumerate(routes)}
    onward = np.zeros((len(index), len(index)))
    for name, then in routes.items():
        rest = 1 - sum(share for share in then.values() if isinstance(share, float))
        for target, share in then.items():
            if target != END:
                onward[index[name], index[target]] += share if isinstance(share, float) else rest
    enters = np.zeros(len(index))
    enters[index[one.enter or scenario.pathway[0].id]] = 1
    visits: NDArray[np.float64] = np.linalg.solve(np.eye(len(index)) - onward.T, enters)
    return dict(zip(index, visits.tolist(), strict=True)), dict.fromkeys(index, 0.0)


def _bounded(node: StaffedNode, one: ClassSpec) -> bool:
    queue = node.queue
    turned_away = queue.balk is not None and queue.balk.share == 1
    return (
        queue.room is not None or turned_away or bool(queue.patience or one.patience.get(node.id))
    )


@dataclass(slots=True)
class _Walker:
    """A sampled patient, with the facts that conditions ask for."""

    malignant: bool
    flagged: bool
    p_malignant: float
    age: float
    sex: str
    site: str
    skin_tone: str
    patient_class: str
    attributes: dict[str, Any]
    referred: bool = False
    visits: int = 0
    elapsed_min: float = 0.0


def _walked(scenario: ScenarioForm, one: ClassSpec) -> tuple[dict[str, float], dict[str, float]]:
    draws = Random(scenario.seed)  # noqa: S311  an estimate, not a secret
    nodes = {node.id: node for node in scenario.pathway}
    attributes = {name for each in scenario.classes for name in each.attributes}
    tests: dict[str, list[tuple[str, Test]]] = {}
    for name, node in nodes.items():
        then = one.then.get(name, node.then)
        tests[name] = [
            (target, parse_condition(when, attributes).compiled())
            for target, when in then.items()
            if isinstance(when, str) and when != OTHERWISE
        ]
    counts = {name: np.zeros(WALKERS) for name in nodes}
    for place in range(WALKERS):
        walker = _sample(scenario, one, draws)
        seen: dict[str, int] = {}
        here = one.enter or scenario.pathway[0].id
        for _ in range(_MOST_STEPS):
            if here == END:
                break
            node = nodes[here]
            seen[here] = walker.visits = seen.get(here, 0) + 1
            counts[here][place] += 1
            _serve(scenario, one, node, walker, draws)
            here = _next(one.then.get(here, node.then), tests[here], walker, draws)
    return (
        {name: float(count.mean()) for name, count in counts.items()},
        {name: float(count.std() / np.sqrt(WALKERS)) for name, count in counts.items()},
    )


def _sample(scenario: ScenarioForm, one: ClassSpec, draws: Random) -> _Walker:
    population = scenario.population_of(one)
    malignant = draws.random() < (population.prevalence if population else 0.0)
    cases = scenario.cases
    corners: tuple[tuple[float, float], ...]
    if isinstance(cases, NominalCases) and cases.ai is not None and cases.ai.roc is None:
        corners = cases.ai.corners()
    else:
        corners = ((0, 0), (1 - _TWIN_SPECIFICITY, _TWIN_SENSITIVITY), (1, 1))
    flagged = draws.random() < corners[1][1 if malignant else 0]
    return _Walker(
        malignant=malignant,
        flagged=flagged,
        p_malignant=0.5 + 0.5 * (1 if flagged else -1) * draws.random(),
        age=draws.gauss(population.age.mean, population.age.sd) if population else 0.0,
        sex=draws.choice(("female", "male")),
        site="trunk",
        skin_tone=draws.choice(("I", "II", "III", "IV", "V", "VI")),
        patient_class=one.id,
        attributes={
            name: draws.random() < shares["yes"]
            if list(shares) == ["yes"]
            else draws.choices(list(shares), list(shares.values()))[0]
            for name, shares in one.attributes.items()
        },
    )


def _serve(
    scenario: ScenarioForm,
    one: ClassSpec,
    node: TwinNode | DelayNode | StaffedNode,
    walker: _Walker,
    draws: Random,
) -> None:
    if isinstance(node, DelayNode):
        walker.elapsed_min += node.delay.mean_min
    if not isinstance(node, StaffedNode):
        return
    walker.elapsed_min += one.service.get(node.id, node.service).mean_min
    if node.decision == "no":
        return
    reader = node.reader or scenario.decision.reader
    own = draws.random() < (reader.sensitivity if walker.malignant else 1 - reader.specificity)
    follows = scenario.scores() and draws.random() < reader.weight_of_ai
    says = walker.flagged if follows else own
    if node.decision == "either":
        says = says or walker.referred
    elif node.decision == "both":
        says = says and walker.referred
    walker.referred = says


def _next(
    then: dict[str, float | str], tests: list[tuple[str, Test]], walker: _Walker, draws: Random
) -> str:
    for target, test in tests:
        if test(walker):
            return target
    left = draws.random()
    otherwise = END
    for target, share in then.items():
        if isinstance(share, float):
            left -= share
            if left < 0:
                return target
        elif share == OTHERWISE:
            otherwise = target
    return otherwise
