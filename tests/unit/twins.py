"""Patients at given times and a twin that answers at once, for tests of the engine."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulator.clinic.person import Person
from twin.events import CaseArrived, CaseClosed, CaseRejected, VerdictIssued
from twin.images import BlobRef

NODES = 8  # more than any pathway of these tests has


@dataclass
class Coming:
    """Patients of one class at given times; every fifth one is ill."""

    times: Sequence[float]
    drawn: int = 0

    @property
    def expected(self) -> int:
        return len(self.times)

    @property
    def upstream(self) -> None:
        return None

    def __iter__(self) -> Iterator[Person]:
        for number, at_min in enumerate(self.times):
            self.drawn += 1
            person = Person(number, number, at_min, 0, "patient", NODES)
            person.case_id = f"c{number:05d}"
            person.image = BlobRef(sha256="0" * 64)
            person.malignant = number % 5 == 0
            yield person


class FakeTwin:
    """Answers at once: a probability made of the case's id, or the one that it was given."""

    def __init__(self, scores: dict[str, float | None] | None = None) -> None:
        self.scores = scores or {}
        self.submitted: list[str] = []
        self.cases: dict[str, CaseArrived] = {}
        self.asked: list[str] = []
        self.published: list[CaseClosed] = []

    def submit(self, cases: Sequence[CaseArrived]) -> None:
        self.submitted += [case.case_id for case in cases]
        self.cases.update((case.case_id, case) for case in cases)

    def answer(self, case_id: str) -> VerdictIssued | CaseRejected:
        self.asked.append(case_id)
        at_min = self.cases.pop(case_id).at_min
        p = self.scores.get(case_id, hashlib.sha256(case_id.encode()).digest()[0] / 255)
        if p is None:
            return CaseRejected(case_id=case_id, at_min=at_min, reason="no image")
        return VerdictIssued(
            case_id=case_id,
            at_min=at_min,
            p_malignant=p,
            threshold=0.5,
            malignant=p >= 0.5,
            log_odds={},
            model_id="m",
        )

    def poll(self, case_id: str) -> VerdictIssued | CaseRejected | None:
        return self.answer(case_id)

    def publish(self, event: CaseClosed) -> None:
        self.published.append(event)
