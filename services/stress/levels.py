"""How urgent each class of a scenario's patients is, and how many of them come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.language.classes import ClassSpec
from simulator.language.load import rate_of
from simulator.language.schema import Scenario


@dataclass(frozen=True, slots=True)
class Levels:
    """The classes from the most urgent to the least; classes of equal priority share a level."""

    names: tuple[str, ...]  # of the levels: their classes' ids
    classes: tuple[ClassSpec, ...]
    level: tuple[int, ...]  # of each class; 0 is the most urgent
    share: tuple[float, ...]  # of the cases that belong to each class; they sum to 1

    def draw(self, count: int, draws: np.random.Generator) -> NDArray[np.int64]:
        """Return the place in `classes` of so many cases."""
        edges = np.cumsum(self.share)
        places = np.searchsorted(edges, draws.random(count) * edges[-1], side="right")
        return np.asarray(np.minimum(places, len(self.classes) - 1), dtype=np.int64)


def levels_of(scenario: Scenario) -> Levels:
    """Return the levels: of each class the most urgent priority that it has anywhere.

    Of the arrivals that a scenario describes only the classes' shares count: how often cases come
    is the load's to say.
    """
    classes = scenario.patient_classes
    priorities = [_priority(one) for one in classes]
    ranked = sorted(set(priorities))
    rates = [1.0] if len(classes) == 1 else [rate_of(scenario, one) for one in classes]
    total = sum(rates)
    shares = tuple(rate / total if total else 1 / len(rates) for rate in rates)
    names = tuple(
        " and ".join(one.id for one, own in zip(classes, priorities, strict=True) if own == rank)
        for rank in ranked
    )
    return Levels(names, tuple(classes), tuple(map(ranked.index, priorities)), shares)


def _priority(one: ClassSpec) -> int:
    return one.priority if isinstance(one.priority, int) else min(one.priority.values(), default=0)
