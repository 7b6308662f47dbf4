"""The reader's decision to refer."""

from typing import Literal

from simulator.clinic.person import Person
from simulator.clinic.routing import Visits
from simulator.language.pathway import ReaderSpec


class Reader:
    """One node's reader.

    Assumption: the reader takes the AI's verdict over with a fixed probability, else decides
    alone with a fixed sensitivity and specificity, independently of the image.
    """

    def __init__(
        self,
        spec: ReaderSpec,
        how: Literal["no", "alone", "either", "both"],
        seed: int,
        replication: int,
        node: str,
    ) -> None:
        self._spec = spec
        self._how = how
        # Two streams, so that a verdict more or less leaves the opinions as they were.
        self._follows = Visits(seed, replication, f"reader.{node}.follows")
        self._own = Visits(seed, replication, f"reader.{node}.own")

    def decide(self, person: Person, visit: int) -> None:
        """Set whether the patient is referred; `visit` counts from 1."""
        spec = self._spec
        chance = spec.sensitivity if person.malignant else 1 - spec.specificity
        says = self._own.of(person.key, visit) < chance
        if person.flagged is not None and self._follows.of(person.key, visit) < spec.weight_of_ai:
            says = person.flagged
        if self._how == "either":
            says = says or bool(person.referred)
        elif self._how == "both":
            says = says and bool(person.referred)
        person.referred = says
