"""How urgent each class of a scenario's patients is, and how many of them come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.language.classes import ClassSpec
from simulator.language.schema import Scenario
from simulator.language.urgency import levels, mix


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
    """Return the levels of a scenario's classes, and how they mix."""
    classes = scenario.patient_classes
    urgency, shares = levels(scenario), mix(scenario)
    ranked = sorted(set(urgency.values()))
    names = tuple(
        " and ".join(one.id for one in classes if urgency[one.id] == rank) for rank in ranked
    )
    return Levels(
        names,
        tuple(classes),
        tuple(ranked.index(urgency[one.id]) for one in classes),
        tuple(shares[one.id] for one in classes),
    )
