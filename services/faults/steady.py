"""The steady state: conditions on what a probe measures, looked at over and over again."""

import operator
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from twin.errors import DependencyError

Probe = Callable[[], Mapping[str, float]]
HOLDS_S: Final = 2.0  # so long in a row the conditions hold again before it counts as recovered
_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


class Condition(Protocol):
    """A metric on one side of a bound, as the gates of scenarios are."""

    @property
    def text(self) -> str:
        """As it was written."""
        ...

    @property
    def metric(self) -> str:
        """What is measured."""
        ...

    @property
    def op(self) -> str:
        """One of <, <=, >, >=, ==."""
        ...

    @property
    def bound(self) -> float:
        """What it is held against."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One look."""

    at_s: float  # monotonic
    broken: Mapping[str, float]  # conditions that do not hold, by text, with the value; NaN: none


class Steadiness:
    """Samples of a probe against conditions. A metric that the probe does not give breaks them.

    Parameters:
        shows_s: what is done may take so long to show, in ages of cases and in backlogs: until
            then nothing counts as recovered.
    """

    def __init__(
        self,
        conditions: Sequence[Condition],
        probe: Probe,
        clock: Callable[[], float] = time.monotonic,
        shows_s: float = 0.0,
    ) -> None:
        self._shows_s = shows_s
        self._conditions = conditions
        self._probe = probe
        self._clock = clock
        self.samples: list[Sample] = []

    def look(self) -> Sample:
        """Measure, and keep what was found."""
        at_s = self._clock()
        try:
            values = self._probe()
        except DependencyError:
            values = {}  # what cannot be measured does not hold
        broken: dict[str, float] = {}
        for one in self._conditions:
            value = values.get(one.metric, float("nan"))
            if not _OPERATORS[one.op](value, one.bound):
                broken[one.text] = value
        sample = Sample(at_s, broken)
        self.samples.append(sample)
        return sample

    def before(self, at_s: float) -> bool | None:
        """Return whether the conditions held when it was looked last; None: nobody had looked."""
        place = bisect_left(self.samples, at_s, key=lambda one: one.at_s)
        return None if place == 0 else not self.samples[place - 1].broken

    def broken(self, from_s: float, to_s: float) -> dict[str, float]:
        """Return what did not hold in between, each with its worst value."""
        worst: dict[str, float] = {}
        for sample in self._since(from_s):
            if sample.at_s > to_s:
                break
            for text, value in sample.broken.items():
                known = worst.get(text, value)
                worst[text] = value if abs(value) > abs(known) else known
        return worst

    def recovered_s(self, ended_s: float) -> float | None:
        """Return from when on all held for 2 s in a row, after a fault ended; None: not yet."""
        since_s: float | None = None
        for sample in self._since(ended_s):
            if sample.broken:
                since_s = None
            elif since_s is None:
                since_s = sample.at_s
            shown = sample.at_s - ended_s >= self._shows_s
            if since_s is not None and shown and sample.at_s - since_s >= HOLDS_S:
                return since_s
        return None

    def _since(self, at_s: float) -> Sequence[Sample]:
        return self.samples[bisect_left(self.samples, at_s, key=lambda one: one.at_s) :]
