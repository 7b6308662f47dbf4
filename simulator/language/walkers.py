"""Sampled patients who walk through the pathway, without time, to count their visits."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np

from simulator.language.cases import NominalCases
from simulator.language.classes import ClassSpec
from simulator.language.conditions import Test, parse_condition
from simulator.language.form import ScenarioForm
from simulator.language.ham10000 import SITES
from simulator.language.pathway import END, OTHERWISE, DelayNode, StaffedNode, TwinNode
from simulator.language.populations import PopulationSpec
from simulator.language.referral import (
    prevalence_of_referred,
    sexes_of_referred,
    tones_of_referred,
)
from simulator.language.ways import entrance
from simulator.language.words import listed
from simulator.quantities import QuantityError

WALKERS: Final = 1000  # patients walked per class; the standard error is taken into account
_MOST_STEPS: Final = 1000  # assumption: who walks further goes round in circles
_MOST_LOST: Final = 20  # assumption: so many in circles are no accident
# Assumption, for the estimate alone: what a model that is not known yet will be worth.
_TWIN_SENSITIVITY: Final = 0.85
_TWIN_SPECIFICITY: Final = 0.85


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


def walked(scenario: ScenarioForm, one: ClassSpec) -> tuple[dict[str, float], dict[str, float]]:
    """Return the mean number of visits of a class to each node, and their standard errors.

    Raises:
        QuantityError: patients go round without end.
    """
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
    lost = 0
    for place in range(WALKERS):
        walker = _sample(scenario, one, draws)
        seen: dict[str, int] = {}
        here = entrance(scenario, one)
        for _ in range(_MOST_STEPS):
            if here == END:
                break
            node = nodes[here]
            seen[here] = walker.visits = seen.get(here, 0) + 1
            counts[here][place] += 1
            _serve(scenario, one, node, walker, draws)
            here = _next(one.then.get(here, node.then), tests[here], walker, draws)
        else:
            lost += 1
            if lost == _MOST_LOST:
                raise _endless(scenario, seen, lost, place + 1)
    return (
        {name: float(count.mean()) for name, count in counts.items()},
        {name: float(count.std() / np.sqrt(WALKERS)) for name, count in counts.items()},
    )


def _endless(scenario: ScenarioForm, seen: Mapping[str, int], lost: int, of: int) -> QuantityError:
    round_ = [node.id for node in scenario.pathway if seen.get(node.id, 0) > 1]
    index = next(i for i, node in enumerate(scenario.pathway) if node.id in round_)
    reason = f"{lost} of {of} sampled patients took {_MOST_STEPS} steps and had not left"
    words = f"a cycle that hardly anybody leaves: {reason}; they go round {listed(round_)}"
    return QuantityError(("pathway", index, "then"), words)


def _sample(scenario: ScenarioForm, one: ClassSpec, draws: Random) -> _Walker:
    population = scenario.population_of(one)
    facts = population or PopulationSpec()  # images have facts that nobody knows yet
    malignant = draws.random() < (prevalence_of_referred(population) if population else 0.0)
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
        sex=_one_of(sexes_of_referred(facts), draws),
        site=_one_of(facts.site or SITES, draws),
        skin_tone=draws.choice(_one_of(tones_of_referred(facts), draws).split("-")),
        patient_class=one.id,
        attributes={
            name: draws.random() < shares["yes"]
            if list(shares) == ["yes"]
            else _one_of(shares, draws)
            for name, shares in one.attributes.items()
        },
    )


def _one_of(shares: Mapping[str, float], draws: Random) -> str:
    return draws.choices(list(shares), list(shares.values()))[0]


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
    how = scenario.decision_of(node)
    if how == "no":
        return
    reader = node.reader or scenario.decision.reader
    own = draws.random() < (reader.sensitivity if walker.malignant else 1 - reader.specificity)
    follows = scenario.scores() and draws.random() < reader.weight_of_ai
    says = walker.flagged if follows else own
    if how == "either":
        says = says or walker.referred
    elif how == "both":
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
