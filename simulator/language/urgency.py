"""Who is more urgent than whom, and how the classes mix, where cases come without a clinic."""

from collections.abc import Mapping

from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.load import rate_of


def levels(scenario: ScenarioForm) -> Mapping[str, int]:
    """Return the clinical priority of each class; the smaller, the more urgent.

    One that differs by node counts as the most urgent of them: somebody who must not wait at one
    node is not to be shed.
    """
    return {one.id: _level(one) for one in scenario.patient_classes}


def mix(scenario: ScenarioForm) -> Mapping[str, float]:
    """Return the share of each class among the cases of a stress run; they sum to 1."""
    classes = scenario.patient_classes
    if scenario.arrivals is None and all(one.share is not None for one in classes):
        return {one.id: one.share or 0.0 for one in classes}
    rates = {one.id: rate_of(scenario, one) for one in classes}
    return {name: rate / sum(rates.values()) for name, rate in rates.items()}


def _level(one: ClassSpec) -> int:
    if isinstance(one.priority, int):
        return one.priority
    return min(one.priority.values(), default=0)
