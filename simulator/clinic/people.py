"""Who comes, in the order of coming: arrivals of all classes, each patient with facts and truth.

Nothing here depends on staff, service or the twin (law 9).
"""

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import accumulate, islice

from simulator.cases.bank import Bank
from simulator.cases.bank_patients import BankPatients
from simulator.cases.cases import case_id_of, order_of, population_of, taken
from simulator.cases.datasets import LabelledImage
from simulator.cases.nominal import Facts, Streams, Verdicts, facts_by_regime
from simulator.cases.population import Population
from simulator.cases.referral import referral
from simulator.cases.regimes import NO_SHIFT, Populations, Regime, Regimes, severities_of
from simulator.clinic.arrival_times import Arrival, arrival_times
from simulator.clinic.person import Person
from simulator.clinic.upstream import Upstream
from simulator.draws.uniforms import Uniforms
from simulator.language.cases import ImageCases, NominalCases
from simulator.language.classes import ClassSpec
from simulator.language.load import rate_of
from simulator.language.referral import prevalence_of_referred
from simulator.language.schema import Scenario
from twin.errors import ScenarioError

_Known = Callable[[Person], None]  # gives a patient facts, truth and image
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

    Raises:
        ScenarioError: the scenario asks for more images than there are.
    """

    def __init__(
        self,
        scenario: Scenario,
        replication: int,
        images: Sequence[LabelledImage] = (),
        bank: Bank | None = None,
    ) -> None:
        self._scenario = scenario
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

    def _seeking(self) -> Iterator[Person]:
        """Yield all who seek care, with what they bring, in order."""
        scenario = self._scenario
        horizon_min = math.inf if scenario.horizon_min is None else scenario.horizon_min
        classes, nodes = scenario.patient_classes, len(scenario.pathway)
        known = [self._facts(one) for one in classes]
        for number, (at_min, _, class_index, key, due_min) in enumerate(self._merged()):
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
        number = 0
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

    def _shift(self, one: ClassSpec) -> _Known:
        """Return what tells each patient of a class the shifts that it is in."""
        scenario, names = self._scenario, self._scenario.shift_ids()
        regimes = Regimes(scenario.shifts, names, scenario.seed, self._replication, one.id)

        def shifted(person: Person) -> None:
            regime = regimes.of(person.key, person.at_min)
            if regime != NO_SHIFT:
                person.regime = regime
                person.shifts = "+".join(names[place] for place in regime)

        return shifted

    def _populations(self, one: ClassSpec) -> Populations | None:
        """Return the populations of a class by regime; None where patients have no facts."""
        spec = self._scenario.population_of(one)
        return None if spec is None else Populations(spec, self._scenario.shifts)

    def _comes(self, one: ClassSpec) -> _Comes | None:
        """Return what tells who of a class comes; None where everybody does."""
        populations = self._populations(one)
        if populations is None:
            return None
        return referral(populations, self._scenario.seed, self._replication, one.id)

    def _facts(self, one: ClassSpec) -> _Known | None:
        """Return what gives patients of a class all that they bring; None if they bring nothing."""
        shifted = self._shift(one) if self._scenario.shifts else None
        steps = [shifted, self._cases(one), self._attributes(one)]
        fills = [step for step in steps if step is not None]
        if len(fills) < 2:
            return fills[0] if fills else None

        def filled(person: Person) -> None:
            for fill in fills:
                fill(person)

        return filled

    def _attributes(self, one: ClassSpec) -> _Known | None:
        if not one.attributes:
            return None
        key = (self._scenario.seed, self._replication)
        attributes = [
            (name, Uniforms(*key, f"attribute.{name}.{one.id}"), shares)
            for name, shares in one.attributes.items()
        ]

        def filled(person: Person) -> None:
            person.attributes = {
                name: _value(uniforms[person.key], shares) for name, uniforms, shares in attributes
            }

        return filled

    def _cases(self, one: ClassSpec) -> _Known | None:
        cases, populations = self._scenario.cases, self._populations(one)
        if self._scenario.bank is not None:
            assert self._bank is not None  # whoever runs a scenario with a bank has built it
            return BankPatients(self._scenario, one, self._replication, self._bank).fill
        if isinstance(cases, ImageCases):
            return self._shown(cases)
        if populations is None:  # only images and nominal cases can be without a population
            return None
        if isinstance(cases, NominalCases):
            return self._nominal(cases, one, populations)
        return self._drawn(one, populations)

    def _shown(self, cases: ImageCases) -> _Known:
        """Return what gives each patient the next image of a directory."""
        replication, seed = self._replication, self._scenario.seed
        order, severities = order_of(cases, seed, replication, self._images), self._severities()

        def shown(person: Person) -> None:
            image = self._images[order[person.number]]
            person.case_id = case_id_of(replication, person.number)
            severity = severities(person.regime)
            person.image = taken(image.ref, severity, seed, replication, person.case_id)
            person.malignant = image.malignant
            person.diagnosis, person.age = image.diagnosis, image.age
            person.sex, person.site = image.sex, image.site
            person.skin_tone = image.skin_tone

        return shown

    def _drawn(self, one: ClassSpec, populations: Populations) -> _Known:
        """Return what draws each patient's facts and lesion from the population of its regime."""
        replication, seed = self._replication, self._scenario.seed
        severities = self._severities()
        group = one.id if len(self._scenario.classes) > 1 else ""

        @cache
        def population(regime: Regime) -> Population:
            return population_of(populations.of(regime))

        def drawn(person: Person) -> None:
            person.case_id = case_id_of(replication, person.key, group)
            case = population(person.regime).draw(seed, replication, person.case_id)
            severity = severities(person.regime)
            person.image = taken(case.image, severity, seed, replication, person.case_id)
            person.malignant = case.malignant
            person.diagnosis, person.age = case.diagnosis, case.age
            person.sex, person.site, person.skin_tone = case.sex, case.site, case.skin_tone

        return drawn

    def _severities(self) -> Callable[[Regime], dict[str, int]]:
        shifts = self._scenario.shifts
        return cache(lambda regime: severities_of(regime, shifts))

    def _nominal(self, cases: NominalCases, one: ClassSpec, populations: Populations) -> _Known:
        """Return what gives each patient facts, and what the AI will say."""
        scenario, replication = self._scenario, self._replication
        streams, spec = Streams(scenario.seed, replication, one.id), populations.of(NO_SHIFT)
        facts: _Known
        if scenario.shifts:
            facts = facts_by_regime(populations, streams, diagnosed=True)
        else:
            # Without shifts, a diagnosis is told only where it is asked for: so runs keep their
            # digest.
            facts = Facts(spec, streams, diagnosed=spec.diagnoses is not None).fill
        if cases.ai is None:
            return facts
        uniforms = Uniforms(scenario.seed, replication, f"ai.{one.id}")
        # The model was made for those who come without any shift, and does not know of one.
        prevalence = prevalence_of_referred(spec)
        verdicts = Verdicts(cases.ai, prevalence, scenario.operating_point, uniforms)

        def filled(person: Person) -> None:
            facts(person)
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
