"""Who comes, in the order of coming: arrivals of all classes, each patient with facts and truth.

Nothing here depends on staff, service or the twin (law 9).
"""

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, islice

from simulator.cases.cases import case_id_of, order_of, population_of
from simulator.cases.datasets import LabelledImage
from simulator.cases.nominal import Facts, Verdicts
from simulator.clinic.arrival_times import Arrival, arrival_times
from simulator.clinic.person import Person
from simulator.draws.uniforms import Uniforms
from simulator.language.cases import ImageCases, NominalCases
from simulator.language.classes import ClassSpec
from simulator.language.load import rate_of
from simulator.language.populations import PopulationSpec
from simulator.language.schema import Scenario
from twin.errors import ScenarioError

_Known = Callable[[Person], None]  # gives a patient facts, truth and image
_Coming = tuple[float, int, int, int, float | None]  # time, source, class, key, appointment
_SHARED = ""  # name of the arrivals that several classes share


class People:
    """The patients of one replication in order, until horizon, count or cases end them.

    They are drawn as they are asked for, and every iteration brings the same ones.

    Parameters:
        scenario: its cases, arrivals, classes, horizon and seed are used.
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
        self._images = images
        self._count = scenario.cases.count
        if isinstance(scenario.cases, ImageCases):
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
        scenario = self._scenario
        horizon_min = math.inf if scenario.horizon_min is None else scenario.horizon_min
        classes, nodes = scenario.patient_classes, len(scenario.pathway)
        known = [self._facts(one) for one in classes]
        arrivals = self._merged()
        for number, (at_min, _, class_index, key, due_min) in enumerate(
            islice(arrivals, self._count)
        ):
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

    def _facts(self, one: ClassSpec) -> _Known | None:
        """Return what gives patients of a class all that they bring; None if they bring nothing."""
        known = self._cases(one)
        if not one.attributes:
            return known
        key = (self._scenario.seed, self._replication)
        attributes = [
            (name, Uniforms(*key, f"attribute.{name}.{one.id}"), shares)
            for name, shares in one.attributes.items()
        ]

        def filled(person: Person) -> None:
            if known is not None:
                known(person)
            person.attributes = {
                name: _value(uniforms[person.key], shares) for name, uniforms, shares in attributes
            }

        return filled

    def _cases(self, one: ClassSpec) -> _Known | None:
        scenario, replication, seed = self._scenario, self._replication, self._scenario.seed
        cases, spec = scenario.cases, scenario.population_of(one)
        if isinstance(cases, NominalCases):
            return None if spec is None else _nominal(scenario, cases, spec, one, replication)
        if isinstance(cases, ImageCases):
            order = order_of(cases, seed, replication, self._images)

            def shown(person: Person) -> None:
                image = self._images[order[person.number]]
                person.case_id = case_id_of(replication, person.number)
                person.image, person.malignant = image.ref, image.malignant
                person.diagnosis, person.age = image.diagnosis, image.age
                person.sex, person.site = image.sex, image.site

            return shown
        assert spec is not None  # only images and nominal cases can be without a population
        population = population_of(spec)
        group = one.id if len(scenario.classes) > 1 else ""

        def drawn(person: Person) -> None:
            person.case_id = case_id_of(replication, person.key, group)
            case = population.draw(seed, replication, person.case_id)
            person.image, person.malignant = case.image, case.malignant
            person.diagnosis, person.age = case.diagnosis, case.age
            person.sex, person.site, person.skin_tone = case.sex, case.site, case.skin_tone

        return drawn


def _nominal(
    scenario: Scenario,
    cases: NominalCases,
    spec: PopulationSpec,
    one: ClassSpec,
    replication: int,
) -> _Known:
    facts = Facts(spec, scenario.seed, replication, one.id)
    if cases.ai is None:
        return facts.fill
    uniforms = Uniforms(scenario.seed, replication, f"ai.{one.id}")
    verdicts = Verdicts(cases.ai, spec.prevalence, scenario.operating_point, uniforms)

    def filled(person: Person) -> None:
        facts.fill(person)
        verdicts.fill(person)

    return filled


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


def _value(drawn: float, shares: dict[str, float]) -> object:
    if list(shares) == ["yes"]:
        return drawn < shares["yes"]
    total = 0.0
    for name, share in shares.items():
        total += share
        if drawn < total:
            return name
    return list(shares)[-1]
