"""Small events and stacks that several tests use."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin.errors import DependencyError
from twin.events import CaseArrived, CaseClosed, CaseRejected, VerdictIssued
from twin.images import BlobRef, ImageRef
from twin.meta import MetaStack
from twin.ports import Answer, Opinion, Unscorable


def arrived(case_id: str = "c1", at_min: float = 1.0) -> CaseArrived:
    return CaseArrived(case_id=case_id, at_min=at_min, image=BlobRef(sha256=case_id.ljust(64, "0")))


def verdict(case_id: str = "c1", at_min: float = 1.0, p_malignant: float = 0.7) -> VerdictIssued:
    return VerdictIssued(
        case_id=case_id,
        at_min=at_min,
        p_malignant=p_malignant,
        threshold=0.5,
        malignant=p_malignant >= 0.5,
        log_odds={"svm": 1.5, "knn": -0.25},
        model_id="m" * 12,
    )


def rejected(case_id: str = "c1", at_min: float = 1.0) -> CaseRejected:
    return CaseRejected(case_id=case_id, at_min=at_min, reason="image a.jpg: truncated")


def closed(case_id: str = "c1", at_min: float = 9.0, referred: bool = True) -> CaseClosed:
    return CaseClosed(
        case_id=case_id,
        at_min=at_min,
        referred=referred,
        left_early=False,
        waits_min={"imaging": 0.5, "read": 2.0},
    )


@dataclass
class FakeTicket:
    images: list[ImageRef]
    failures: list[Exception]

    def collect(self) -> list[Answer]:
        if self.failures:
            raise self.failures.pop(0)
        return [fake_answer(ref) for ref in self.images]

    def done(self) -> bool:
        return True


def fake_answer(ref: ImageRef) -> Answer:
    """p_malignant is read off the blob's name: blob 7... gets 0.7; blob x... cannot be scored."""
    assert isinstance(ref, BlobRef)
    if ref.sha256.startswith("x"):
        return Unscorable(reason="truncated")
    digits = [int(sign) for sign in ref.sha256 if sign.isdigit()]
    return Opinion(p_malignant=digits[0] / 10, log_odds={"svm": 1.0}, missing=("knn",))


class FakeStack:
    """Answers at once; fails first with the errors it is given."""

    model_id = "m" * 12
    threshold = 0.5

    def __init__(self, failures: Sequence[Exception] = ()) -> None:
        self.failures = list(failures)
        self.batches: list[int] = []
        self.asked: list[tuple[MetaStack | None, frozenset[str]]] = []

    def submit(
        self,
        images: Sequence[ImageRef],
        meta: MetaStack | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> FakeTicket:
        self.batches.append(len(images))
        self.asked.append((meta, absent))
        return FakeTicket(list(images), self.failures)


def outage() -> DependencyError:
    return DependencyError("the stem is gone")
