"""Who comes, in the order of coming: arrivals of all classes, each patient with facts and truth.

Nothing here depends on staff, service or the twin (law 9).
"""

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, dropwhile, islice

from simulator.cases.bank import Bank
from simulator.cases.datasets import LabelledImage
from simulator.cases.referral import referral
from simulator.cases.regimes import Populations
from simulator.clinic.arrival_times import Arrival, arrival_times
from simulator.clinic.bringing import Bringing, Fill
from simulator.clinic.person import Person
from simulator.clinic.upstream import Upstream
from simulator.draws.uniforms import Uniforms
from simulator.language.cases import ImageCases
from simulator.language.classes import ClassSpec
from simulator.language.load import rate_of
from simulator.language.schema import Scenario
from twin.errors import ScenarioError

_Comes = Callable[[Person], bool]  # tells whether one who seeks care gets to the clinic
_Coming = tuple[float, int, int, int, float | None]  # time, source, class, key, appointment
_SHARED = ""  # name of the arrivals that several classes share


class People:
    """The patients of one replication in order, until horizon, count or cases end them.

    They are drawn as they are asked for, and every iteration brings the same ones. `upstream` has
    those whom a referral kept from coming, up to the last one who was brought; None without one.

    Parameters:
        scenario: its cases, arrivals, classes, horizon and seed are used.
        replication: from 0.
        images: of the chosen split, where the scenario's cases are images.
        bank: that patients are drawn from, where the scenario has one.
        from_min: nobody who comes before is brought; their draws stay theirs.
        first: number of the first one who is brought.

    Raises:
        ScenarioError: the scenario asks for more images than there are.
    """

    def __init__(
        self,
        scenario: Scenario,
        replication: int,
        images: Sequence[LabelledImage] = (),
        bank: Bank | None = None,
        *,
        from_min: float = 0.0,
        first: int = 0,
    ) -> None:
        self._scenario = scenario
        self._from_min, self._first = from_min, first
        self._replication = replication
        self._images = images
        self._bank = bank
        self._count = scenario.cases.count
        self.upstream = Upstream() if scenario.is_filtered() else None
        if isinstance(scenario.cases, ImageCases) and scenario.bank is None:
            asked, split = scenario.cases.count or 1, scenario.cases.images.split
            if asked > len(images):
                reason = f"asks for {asked} of the {split!r} images; there are {len(images)}"
                raise ScenarioError(scenario.name, 0, "cases.count", f"{reason}, each comes once")
            self._count = scenario.cases.count or len(images)

    @property
    def expected(self) -> int:
        """About how many will come: the count, or the mean over the horizon if that is less."""
        scenario = self._scenario
        count = math.inf if self._count is None else self._count
        rate_per_min = sum(rate_of(scenario, one) for one in scenario.patient_classes)
        horizon_min = math.inf if scenario.horizon_min is None else scenario.horizon_min
        mean = rate_per_min * horizon_min if rate_per_min else math.inf
        bound = min(count, mean)
        return round(bound) if math.isfinite(bound) else 1

    def __iter__(self) -> Iterator[Person]:
        people = self._seeking()
        return islice(people if self.upstream is None else self._referred(people), self._count)

    def fills(self) -> list[Fill | None]:
        """Return, by class, what gives a patient facts, truth and score; None if nothing."""
        return [
            Bringing(self._scenario, one, self._replication, self._images, self._bank).fill()
            for one in self._scenario.patient_classes
        ]

    def _seeking(self) -> Iterator[Person]:
        """Yield all who seek care, with what they bring, in order."""
        scenario = self._scenario
        horizon_min = math.inf if scenario.horizon_min is None else scenario.horizon_min
        classes, nodes = scenario.patient_classes, len(scenario.pathway)
        known = self.fills()
        coming = dropwhile(lambda one: one[0] < self._from_min, self._merged())
        for number, (at_min, _, class_index, key, due_min) in enumerate(coming, self._first):
            if at_min >= horizon_min:
                return
            one = classes[class_index]
            person = Person(number, key, at_min, class_index, one.id, nodes)
            if due_min is not None:
                person.due_min = due_min
            fill = known[class_index]
            if fill is not None:
                fill(person)
            yield person

    def _referred(self, seeking: Iterator[Person]) -> Iterator[Person]:
        """Yield those who come, numbered anew; note the others."""
        comes = [self._comes(one) for one in self._scenario.patient_classes]
        self.upstream = upstream = Upstream()  # every iteration counts anew
        number = self._first
        for person in seeking:
            let = comes[person.class_index]
            if let is None or let(person):
                person.number = number
                number += 1
                yield person
            else:
                upstream.note(person)

    def _merged(self) -> Iterator[_Coming]:
        """Yield time, source, class, key and appointment of all arrivals in order of time."""
        scenario, key = self._scenario, (self._scenario.seed, self._replication)
        sources = []
        classes = list(enumerate(scenario.patient_classes))
        shared = [(index, one) for index, one in classes if one.share is not None]
        if shared and scenario.arrivals is not None:
            name = shared[0][1].id if len(shared) == 1 else _SHARED
            times = arrival_times(scenario.arrivals, *key, name, scenario.start_min)
            sources.append(_split(times, shared, Uniforms(*key, "class")))
        for index, one in classes:
            if one.arrivals is not None:
                times = arrival_times(one.arrivals, *key, one.id, scenario.start_min)
                sources.append(_of_class(times, index))
        return sources[0] if len(sources) == 1 else heapq.merge(*sources)

    def _comes(self, one: ClassSpec) -> _Comes | None:
        """Return what tells who of a class comes; None where everybody does."""
        scenario = self._scenario
        spec = scenario.population_of(one)
        if spec is None:
            return None
        populations = Populations(spec, scenario.shifts)
        return referral(populations, scenario.seed, self._replication, one.id)


def _of_class(times: Iterator[Arrival], index: int) -> Iterator[_Coming]:
    for at_min, key, due_min in times:
        yield at_min, index, index, key, due_min


def _split(
    times: Iterator[Arrival], shared: Sequence[tuple[int, ClassSpec]], uniforms: Uniforms
) -> Iterator[_Coming]:
    """Divide arrivals among the classes, each by a draw of its own."""
    totals = accumulate(one.share or 0.0 for _, one in shared)
    edges = [(total, index) for total, (index, _) in zip(totals, shared, strict=True)]
    last = edges[-1][1]
    alone = len(shared) == 1
    for at_min, key, due_min in times:
        index = last
        if not alone:
            drawn = uniforms[key]
            index = next((place for edge, place in edges if drawn < edge), last)
        yield at_min, -1, index, key, due_min
