"""What a patient brings: the shifts that it is in, facts, truth, an image, and attributes."""

from collections.abc import Callable, Sequence
from functools import cache

from simulator.cases.bank import Bank
from simulator.cases.bank_patients import BankPatients
from simulator.cases.cases import case_id_of, order_of, population_of, taken
from simulator.cases.datasets import LabelledImage
from simulator.cases.nominal import Facts, Streams, Verdicts, facts_by_regime
from simulator.cases.population import Population
from simulator.cases.regimes import NO_SHIFT, Populations, Regime, Regimes, severities_of
from simulator.clinic.person import Person
from simulator.draws.uniforms import Uniforms
from simulator.language.cases import ImageCases, NominalCases
from simulator.language.classes import ClassSpec
from simulator.language.referral import prevalence_of_referred
from simulator.language.schema import Scenario

Fill = Callable[[Person], None]  # gives a patient what it brings, or a part of it


class Bringing:
    """What patients of one class bring. Each draw is keyed: nobody's depends on another's (law 9).

    Parameters:
        scenario: its cases, classes, shifts and seed are used.
        one: the class.
        replication: from 0.
        images: of the chosen split, where each comes once.
        bank: that patients are drawn from, where the scenario has one.
    """

    def __init__(
        self,
        scenario: Scenario,
        one: ClassSpec,
        replication: int,
        images: Sequence[LabelledImage],
        bank: Bank | None,
    ) -> None:
        self._scenario = scenario
        self._one = one
        self._replication = replication
        self._images = images
        self._bank = bank

    def fill(self) -> Fill | None:
        """Return what gives each patient all of it; None if they bring nothing."""
        shifted = self._shift() if self._scenario.shifts else None
        steps = [shifted, self._cases(), self._attributes()]
        fills = [step for step in steps if step is not None]
        if len(fills) < 2:
            return fills[0] if fills else None

        def filled(person: Person) -> None:
            for fill in fills:
                fill(person)

        return filled

    def _shift(self) -> Fill:
        """Return what tells each patient the shifts that it is in."""
        scenario, names = self._scenario, self._scenario.shift_ids()
        regimes = Regimes(scenario.shifts, names, scenario.seed, self._replication, self._one.id)

        def shifted(person: Person) -> None:
            regime = regimes.of(person.key, person.at_min)
            if regime != NO_SHIFT:
                person.regime = regime
                person.shifts = "+".join(names[place] for place in regime)

        return shifted

    def _populations(self) -> Populations | None:
        """Return the populations by regime; None where patients have no facts."""
        spec = self._scenario.population_of(self._one)
        return None if spec is None else Populations(spec, self._scenario.shifts)

    def _attributes(self) -> Fill | None:
        if not self._one.attributes:
            return None
        key = (self._scenario.seed, self._replication)
        attributes = [
            (name, Uniforms(*key, f"attribute.{name}.{self._one.id}"), shares)
            for name, shares in self._one.attributes.items()
        ]

        def filled(person: Person) -> None:
            person.attributes = {
                name: _value(uniforms[person.key], shares) for name, uniforms, shares in attributes
            }

        return filled

    def _cases(self) -> Fill | None:
        cases, populations = self._scenario.cases, self._populations()
        if self._scenario.bank is not None:
            assert self._bank is not None  # whoever runs a scenario with a bank has built it
            return self._banked(self._bank)
        if isinstance(cases, ImageCases):
            return self._shown(cases)
        if populations is None:  # only images and nominal cases can be without a population
            return None
        if isinstance(cases, NominalCases):
            return self._nominal(cases, populations)
        return self._drawn(populations)

    def _banked(self, bank: Bank) -> Fill:
        """Return what gives each patient an entry of a bank, and a name where a twin is told."""
        fill = BankPatients(self._scenario, self._one, self._replication, bank).fill
        if not self._scenario.tells_twin:
            return fill
        replication, group = self._replication, self._group()

        def named(person: Person) -> None:
            fill(person)
            person.case_id = case_id_of(replication, person.key, group)

        return named

    def _group(self) -> str:
        """Return what tells the case ids of several classes apart."""
        return self._one.id if len(self._scenario.classes) > 1 else ""

    def _shown(self, cases: ImageCases) -> Fill:
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

    def _drawn(self, populations: Populations) -> Fill:
        """Return what draws each patient's facts and lesion from the population of its regime."""
        replication, seed = self._replication, self._scenario.seed
        severities = self._severities()
        group = self._group()

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

    def _nominal(self, cases: NominalCases, populations: Populations) -> Fill:
        """Return what gives each patient facts, and what the AI will say."""
        scenario, replication = self._scenario, self._replication
        streams, spec = Streams(scenario.seed, replication, self._one.id), populations.of(NO_SHIFT)
        facts: Fill
        if scenario.shifts:
            facts = facts_by_regime(populations, streams, diagnosed=True)
        else:
            # Without shifts, a diagnosis is told only where it is asked for: so runs keep their
            # digest.
            facts = Facts(spec, streams, diagnosed=spec.diagnoses is not None).fill
        if cases.ai is None:
            return facts
        uniforms = Uniforms(scenario.seed, replication, f"ai.{self._one.id}")
        # The model was made for those who come without any shift, and does not know of one.
        prevalence = prevalence_of_referred(spec)
        verdicts = Verdicts(cases.ai, prevalence, scenario.operating_point, uniforms)

        def filled(person: Person) -> None:
            facts(person)
            verdicts.fill(person)

        return filled


def _value(drawn: float, shares: dict[str, float]) -> object:
    if list(shares) == ["yes"]:
        return drawn < shares["yes"]
    total = 0.0
    for name, share in shares.items():
        total += share
        if drawn < total:
            return name
    return list(shares)[-1]
