"""Where a patient goes next: conditions in order, then probabilities, then otherwise."""

from collections.abc import Mapping, Sequence
from typing import Final

from simulator.clinic.person import Person
from simulator.draws.uniforms import Uniforms
from simulator.language.conditions import Test, parse_condition
from simulator.language.pathway import END, OTHERWISE

OUT: Final = -1  # the place of `end`


class Visits:
    """Uniform numbers of one purpose by patient and by visit: each visit is a stream of its own."""

    def __init__(self, seed: int, replication: int, name: str) -> None:
        self._key = (seed, replication, name)
        self._streams = [Uniforms(seed, replication, name)]

    def of(self, key: int, visit: int) -> float:
        """Return the number of a patient's visit, counted from 1."""
        streams = self._streams
        while len(streams) < visit:
            seed, replication, name = self._key
            streams.append(Uniforms(seed, replication, f"{name}#{len(streams) + 1}"))
        return streams[visit - 1][key]


class Router:
    """The way out of one node for one class."""

    def __init__(
        self,
        then: Mapping[str, float | str],
        places: Mapping[str, int],
        attributes: Sequence[str],
        draws: Visits,
    ) -> None:
        def place(name: str) -> int:
            return OUT if name == END else places[name]

        self._tests: list[tuple[Test, int]] = []
        self._shares: list[tuple[float, int]] = []  # cumulative
        self._draws = draws
        self._otherwise = OUT
        total = 0.0
        for target, when in then.items():
            if isinstance(when, float):
                total += when
                self._shares.append((total, place(target)))
            elif when == OTHERWISE:
                self._otherwise = place(target)
            else:
                test = parse_condition(when, attributes).compiled()
                self._tests.append((test, place(target)))
        if self._shares and OTHERWISE not in then.values():
            # The shares sum to one up to rounding; nobody falls through the gap.
            self._otherwise = self._shares[-1][1]
        # The only way, where there is one: no draw, no question.
        self.always = None if self._tests or self._shares else self._otherwise

    def targets(self) -> list[int]:
        """Return all places that the way can lead to, `OUT` among them."""
        return [self._otherwise, *(place for _, place in (*self._tests, *self._shares))]

    def next(self, person: Person, visit: int, now_min: float) -> int:
        """Return the place of the next node, or `OUT`."""
        if self.always is not None:
            return self.always
        if self._tests:
            person.visits, person.elapsed_min = visit, now_min - person.at_min
            for test, place in self._tests:
                if test(person):
                    return place
        if self._shares:
            drawn = self._draws.of(person.key, visit)
            for edge, place in self._shares:
                if drawn < edge:
                    return place
        return self._otherwise
