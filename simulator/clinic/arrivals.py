"""When patients come. Nothing here depends on staff, service or the twin (law 9)."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

from simulator.cases.cases import Patient, images_of, synthetic
from simulator.cases.datasets import LabelledImage
from simulator.draws.streams import stream
from simulator.language.quantities import settled
from simulator.language.schema import Scenario, SyntheticCases
from twin.errors import ScenarioError


def poisson_times(rate_per_h: float, seed: int, replication: int) -> Iterator[float]:
    """Yield the arrival times of a Poisson process, in minutes, without end.

    Gaps are exponential with mean 60 / rate (Kingman 1993, Poisson Processes, section 4.1). The
    n-th gap is the n-th draw of one stream, scaled: another rate stretches the same pattern.
    """
    generator = stream(seed, replication, "arrivals")
    mean_min = 60 / rate_per_h
    now_min = 0.0
    while True:
        now_min = settled(now_min + mean_min * float(generator.standard_exponential()))
        yield now_min


class Arrivals:
    """The patients of one replication in order, until horizon, count or cases end them.

    They are drawn as they are asked for, and every iteration brings the same ones.

    Parameters:
        scenario: its cases, arrivals, horizon and seed are used.
        replication: from 0.
        images: of the chosen split, where the scenario's cases are images.

    Raises:
        ScenarioError: the scenario asks for more images than there are.
    """

    def __init__(
        self, scenario: Scenario, replication: int, images: Sequence[LabelledImage] = ()
    ) -> None:
        self._scenario = scenario
        self._replication = replication
        if isinstance(scenario.cases, SyntheticCases):
            self._patient = synthetic(scenario.cases, scenario.seed, replication)
            self._count = scenario.cases.count
        else:
            asked, split = scenario.cases.count or 1, scenario.cases.images.split
            if asked > len(images):
                reason = f"asks for {asked} of the {split!r} images; there are {len(images)}"
                raise ScenarioError(scenario.name, 0, "cases.count", f"{reason}, each comes once")
            self._patient = images_of(scenario.cases, scenario.seed, replication, images)
            self._count = scenario.cases.count or len(images)

    @property
    def expected(self) -> int:
        """About how many will come: the count, or the mean over the horizon if that is less."""
        scenario = self._scenario
        bounds = [] if self._count is None else [self._count]
        if scenario.horizon_min is not None:
            bounds.append(round(scenario.arrivals.rate_per_h * scenario.horizon_min / 60))
        return min(bounds)  # a sound scenario has one or the other

    def __iter__(self) -> Iterator[Patient]:
        scenario = self._scenario
        horizon_min = math.inf if scenario.horizon_min is None else scenario.horizon_min
        times = poisson_times(scenario.arrivals.rate_per_h, scenario.seed, self._replication)
        for index, at_min in enumerate(islice(times, self._count)):
            if at_min >= horizon_min:
                return
            yield self._patient(index, at_min)
