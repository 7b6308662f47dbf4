"""One future: a scenario from the state that an opening describes, up to its horizon."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulator.clinic.engine import Engine
from simulator.clinic.journal import Journal
from simulator.clinic.opening import Opening
from simulator.clinic.people import People
from simulator.clinic.person import Person
from simulator.clinic.placing import Fill
from simulator.clinic.upstream import Upstream
from simulator.draws.uniforms import Uniforms
from simulator.language.schema import Scenario

# Replication of the first future. A run that is attached has the scenario's seed, too: with low
# numbers, a future would have its very draws and so know what is going to happen.
FUTURES_FROM: Final = 1_000_000
FEWEST_ANSWERS: Final = 50  # to draw new patients' answers from; below, a nominal AI answers
MOST_ANSWERS: Final = 500  # the latest of them; assumption: older ones are of another time


@dataclass(frozen=True, slots=True, kw_only=True)
class Future:
    """What became of one future."""

    journal: Journal
    by_node: dict[str, int] = field(default_factory=dict)  # who was where at the beginning
    told: tuple[str, ...] = ()  # what could not be explained of where they were


def run_future(
    scenario: Scenario,
    number: int,
    opening: Opening,
    answers: Sequence[tuple[float, bool]] = (),
) -> Future:
    """Run one future; all its draws are keyed by its number, and none is that of a run.

    Parameters:
        scenario: as `future_scenario` returns it.
        answers: (p_malignant, flagged) of late, of which each new patient gets one; then the truth
            is drawn from p_malignant. Without any, the scenario's nominal AI answers.
    """
    replication = FUTURES_FROM + number
    people = People(scenario, replication, from_min=opening.at_min, first=len(opening.inside))
    fills = people.fills()
    if answers and scenario.has_truth():
        fills = [
            _then(fill, _answering(scenario, replication, name, answers))
            for fill, name in zip(fills, [one.id for one in scenario.patient_classes], strict=True)
        ]
    engine = Engine(scenario, replication, _Coming(people, fills), opening=opening, fills=fills)
    journal = engine.run()
    by_node: dict[str, int] = {}
    for one in engine.placed:
        name = scenario.pathway[one.place].id
        by_node[name] = by_node.get(name, 0) + 1
    told = tuple(one.told for one in engine.placed if one.told)
    return Future(journal=journal, by_node=by_node, told=told)


class _Coming:
    """People whose facts are given, in part, by somebody else."""

    def __init__(self, people: People, fills: Sequence[Fill | None]) -> None:
        self._people, self._fills = people, fills

    @property
    def expected(self) -> int:
        return self._people.expected

    @property
    def upstream(self) -> Upstream | None:
        return self._people.upstream

    def __iter__(self) -> Iterator[Person]:
        for person in self._people:
            fill = self._fills[person.class_index]
            if fill is not None:
                fill(person)
            yield person


def _then(first: Fill | None, second: Fill) -> Fill:
    def both(person: Person) -> None:
        if first is not None:
            first(person)
        second(person)

    return both


def _answering(
    scenario: Scenario, replication: int, name: str, answers: Sequence[tuple[float, bool]]
) -> Fill:
    """Return what gives a patient one of some answers, and a truth that it is calibrated for."""
    picks = Uniforms(scenario.seed, replication, f"future.answer.{name}")
    truth = Uniforms(scenario.seed, replication, f"future.truth.{name}")

    def fill(person: Person) -> None:
        place = min(int(picks[person.key] * len(answers)), len(answers) - 1)
        person.score, person.score_flags = answers[place]
        person.malignant = truth[person.key] < person.score
        person.diagnosis = None

    return fill
