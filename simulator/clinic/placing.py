"""Where in the clinic somebody is of whom only arrival, answer and "has not left" are known.

Assumptions, each of which `ASSUMED` says in words. A patient is walked along the pathway from the
true arrival on. Up to the AI, steps take their time and nobody waits, except for staff who are off
duty. Whoever has no answer stands at the AI or before it. Whoever has one stands in the first queue
from the AI on; unless somebody who came later and is no more urgent was served there and has left
the clinic: then this one must have been served as well, at the latest when the other one left, and
is walked on. A walk that would have left the clinic by now is thrown away and drawn anew, truth and
reader's decision included, so what comes out is conditional on being inside. That is rejection
sampling; only waits at later queues are left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.clinic.opening import Gone, Inside, Opening
from simulator.clinic.person import Person
from simulator.clinic.readers import Reader
from simulator.clinic.routing import OUT, Router
from simulator.clinic.staffing import capacity_changes
from simulator.clinic.station import Station, Timed
from simulator.draws.uniforms import Uniforms
from simulator.language.pathway import DelayNode, TwinNode
from simulator.language.schema import Scenario

ASSUMED: Final = (
    "the log does not say at which node a patient is: steps before the AI take their time from the "
    "true arrival on, without waiting, while staff are on duty",
    "a patient without an answer is at the node that asks the twin, or before it; where no node "
    "asks, at the first queue",
    "a patient with an answer is in the first queue from the AI on, unless a later and no more "
    "urgent one was served there and has left: then the walk goes on from there, without waiting, "
    "and is drawn anew until it has not left the clinic",
    "nobody's elapsed service is known: service, and patience, begin anew; waits and overdue rules "
    "count from the true arrival",
)
TRIES: Final = 256  # walks until one is still inside; assumption: rarer cases are told instead
# Of all patients together, for each of them: where many cannot be explained, as with a log of
# another clinic, the search must not take longer than the future. Then each has a few tries still.
_TRIES_EACH: Final = 10
_TRIES_LEFT: Final = 12
# Keys of patients who were inside: beyond any arrival's, appointments' numbers included.
_KEYS_FROM: Final = 2**50
_LONGEST: Final = 1000  # steps of a walk; a loop without end is none of a clinic
_LAST: Final = float("inf")  # rank of a class that nothing is known of

Fill = Callable[[Person], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What of a clinic that has been built a walk needs."""

    scenario: Scenario
    replication: int
    enter: Sequence[int]  # first place by class
    routers: Sequence[Sequence[Router]]  # by place and class
    readers: Mapping[int, Reader]
    delays: Mapping[int, Timed]
    stations: Mapping[int, Station]


@dataclass(slots=True, kw_only=True)
class Placed:
    """A patient at a place."""

    person: Person
    place: int
    since_min: float  # came there
    left_min: float | None = None  # of a delay that goes on; None in a queue and at the AI
    told: str = ""  # why this is not what the walk says; empty where it is


class Placing:
    """Places everybody who is inside; another replication places them otherwise."""

    def __init__(self, ways: Ways, opening: Opening, fills: Sequence[Fill | None]) -> None:
        scenario = ways.scenario
        key = (scenario.seed, ways.replication)
        self._ways, self._opening, self._fills = ways, opening, fills
        self._now_min, self._has_truth = opening.at_min, scenario.has_truth()
        self._budget = TRIES + _TRIES_EACH * len(opening.inside)
        self._truth = Uniforms(*key, "opening.truth")
        self._classes = Uniforms(*key, "opening.class")
        self._services = {
            place: Timed(*key, f"opening.{station.node.id}")
            for place, station in ways.stations.items()
        }
        self._waits = {
            place: Timed(*key, f"opening.{scenario.pathway[place].id}") for place in ways.delays
        }
        for one in scenario.patient_classes:
            for place, station in ways.stations.items():
                node = station.node
                self._services[place].know(one.id, one.service.get(node.id, node.service))
            for place in ways.delays:
                delay = scenario.pathway[place]
                assert isinstance(delay, DelayNode)  # what else would be among the delays
                self._waits[place].know(one.id, one.service.get(delay.id, delay.delay))
        self._index = {one.id: index for index, one in enumerate(scenario.patient_classes)}
        self._asked = self._asked_on_the_way()
        self._off = {name: tuple(self._closed(name)) for name in scenario.staff}
        self._leavers: dict[tuple[int, int], tuple[NDArray[np.float64], ...]] = {}

    def everybody(self) -> Iterator[Placed]:
        """Yield all who are inside, in the order of arrival, numbered from 0."""
        for number, one in enumerate(self._opening.inside):
            yield self._placed(number, one)

    def _placed(self, number: int, one: Inside) -> Placed:
        first: Placed | None = None
        for attempt in range(min(TRIES, max(_TRIES_LEFT, self._budget))):
            self._budget -= 1
            person = self._person(number, one, attempt)
            placed = self._walk(person, one)
            if not placed.told:
                return placed
            first = first or placed
        assert first is not None
        return first

    def _person(self, number: int, one: Inside, attempt: int) -> Person:
        # First tries side by side: draws come in blocks, and most need few tries.
        key = _KEYS_FROM + attempt * len(self._opening.inside) + number
        index = self._class_of(number, one)
        name = self._ways.scenario.patient_classes[index].id
        person = Person(number, key, one.at_min, index, name, len(self._ways.scenario.pathway))
        fill = self._fills[index]
        if fill is not None:
            fill(person)
        for fact in ("age", "sex", "site", "skin_tone"):
            value = getattr(one, fact)
            if value is not None:
                setattr(person, fact, value)
        if one.answered:
            person.p_malignant = person.score = one.p_malignant
            person.flagged = person.score_flags = one.flagged
            if one.rejected is not None:
                person.rejected = one.rejected
            if one.p_malignant is not None and self._has_truth:
                # The twin does not know the truth; its own probability is all that is known of it.
                person.malignant = self._truth[key] < one.p_malignant
                person.diagnosis = None
        return person

    def _class_of(self, number: int, one: Inside) -> int:
        """Return a patient's class: as the log has it, or drawn by the classes' shares."""
        known = self._index.get(one.patient_class or "")
        if known is not None:
            return known
        shares = [kind.share or 0.0 for kind in self._ways.scenario.patient_classes]
        if len(shares) == 1 or not sum(shares):
            return 0
        edges = np.cumsum(shares) / sum(shares)
        return min(int(np.searchsorted(edges, self._classes[number], side="right")), len(edges) - 1)

    def _walk(self, person: Person, one: Inside) -> Placed:
        """Return where one walk has come to by now."""
        place, at_min = self._ways.enter[person.class_index], person.at_min
        asks = self._asked[person.class_index]  # whether the AI is still ahead
        queued = False  # whether the first queue from the AI on is behind
        last = Placed(person=person, place=place, since_min=at_min)
        for _ in range(_LONGEST):
            node = self._ways.scenario.pathway[place]
            last = Placed(person=person, place=place, since_min=at_min)
            if isinstance(node, TwinNode):
                if not one.answered:
                    return last
                asks = False
            elif place in self._ways.delays:
                minutes = self._waits[place].of(person, person.seen[place] + 1)
                assert minutes is not None  # a delay has a duration for every class
                if at_min + minutes > self._now_min:
                    last.left_min = at_min + minutes - self._now_min
                    return last
                at_min += minutes
                if isinstance(node, DelayNode) and node.diagnosis:
                    person.diagnosed_min = at_min
            elif asks or queued:
                begun_min = self._on_duty(self._ways.stations[place], at_min)
                minutes = self._services[place].of(person, person.seen[place] + 1)
                assert minutes is not None  # every class has a service time here
                if begun_min + minutes > self._now_min:
                    return last
                at_min = begun_min + minutes
                self._served(person, place, at_min)
            else:
                passed_min = self._passed(self._ways.stations[place], person)
                if passed_min is None:
                    return last
                queued, at_min = True, max(at_min, passed_min)
                self._served(person, place, at_min)
            person.seen[place] += 1
            router = self._ways.routers[place][person.class_index]
            place = router.next(person, person.seen[place], at_min)
            if place == OUT:
                break
        person.seen[last.place] -= 1
        last.told = "the pathway would have been over"
        last.left_min = 0.0 if last.place in self._ways.delays else None
        return last

    def _served(self, person: Person, place: int, at_min: float) -> None:
        reader = self._ways.readers.get(place)
        if reader is not None:
            reader.decide(person, person.seen[place] + 1)
        if self._ways.stations[place].diagnoses:
            person.diagnosed_min = at_min

    def _passed(self, station: Station, person: Person) -> float | None:
        """Return by when a patient had been served, since others who come after have left."""
        kind = (station.index, person.class_index)
        if kind not in self._leavers:
            self._leavers[kind] = self._who_left(station, person.class_index)
        at_min, closed_min, rank = self._leavers[kind]
        after = (at_min > person.at_min) & (rank >= station.rank(person))
        return float(closed_min[after].min()) if after.any() else None

    def _who_left(self, station: Station, class_index: int) -> tuple[NDArray[np.float64], ...]:
        """Return arrivals, closings and ranks of those who were served at a station and left."""
        first_min = min((one.at_min for one in self._opening.inside), default=0.0)
        rows = [
            (one.at_min, one.closed_min, self._rank(station, one, class_index))
            for one in self._opening.gone
            if one.at_min > first_min and station.node.id in one.nodes
        ]
        table = np.array(rows, dtype=float).reshape(-1, 3)
        return table[:, 0], table[:, 1], table[:, 2]

    def _rank(self, station: Station, one: Gone, class_index: int) -> float:
        index = self._index.get(one.patient_class or "", class_index)
        name = self._ways.scenario.patient_classes[index].id
        shadow = Person(0, 0, one.at_min, index, name, 0)
        shadow.p_malignant, shadow.flagged = one.p_malignant, one.flagged
        return station.rank(shadow)

    def _asked_on_the_way(self) -> list[bool]:
        """Return, by class, whether the AI can come on the way from its entry."""
        found = []
        for index, entry in enumerate(self._ways.enter):
            seen, todo = set(), [entry]
            while todo:
                place = todo.pop()
                if place not in seen and place != OUT:
                    seen.add(place)
                    todo += self._ways.routers[place][index].targets()
            pathway = self._ways.scenario.pathway
            found.append(any(isinstance(pathway[place], TwinNode) for place in seen))
        return found

    def _closed(self, name: str) -> Iterator[tuple[float, float]]:
        """Yield the spells up to now in which nobody of a group is on duty."""
        scenario, now_min = self._ways.scenario, self._now_min
        changes = list(capacity_changes(scenario.staff[name], scenario.start_min, now_min))
        for (at_min, people), (until_min, _) in pairwise([*changes, (_LAST, 0)]):
            if people == 0:
                yield at_min, until_min

    def _on_duty(self, station: Station, at_min: float) -> float:
        """Return when everyone whom a station needs is on duty, from a time on."""
        moved = True
        while moved:
            moved = False
            for name in station.node.staff:
                for from_min, until_min in self._off[name]:
                    if from_min <= at_min < until_min:
                        at_min, moved = until_min, until_min < _LAST
        return at_min
