"""The labelled cases of a run's log, as a refit of the base learners uses them."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    Event,
    FeedbackReceived,
    VerdictIssued,
)
from twin.images import ImageRef, SyntheticRef
from twin.labels import settle
from twin.log import encode

_HELD_OUT: Final = 1 / 3  # of the pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledCase:
    """A case whose label counts."""

    arrived: CaseArrived
    verdict: VerdictIssued
    malignant: bool  # as the clinic says, errors included
    p_verified: float  # probability that the pathway verifies such a patient
    referred: bool  # False where it is not known yet
    picture: str  # patients with one picture share it, however it was taken

    @property
    def weight(self) -> float:
        """How many patients this one stands for: the inverse of its verification probability."""
        return 1.0 / self.p_verified

    @property
    def held_out(self) -> bool:
        """Whether its picture is for the gate; a third of them are, by their names alone."""
        return keyed(f"refit.held-out:{self.picture}") < _HELD_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What a log says of labels up to a time."""

    cases: tuple[LabelledCase, ...]  # in order of arrival, then case id
    apart: dict[str, int]  # messages that do not count, by reason


def keyed(name: str) -> float:
    """Return a uniform number from 0 to 1 that belongs to a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2.0**64


def picture_of(ref: ImageRef) -> str:
    """Return what identifies the picture behind a reference, without how it was taken."""
    if isinstance(ref, SyntheticRef):
        bare = replace(ref, acquisition=None)
        case = CaseArrived(case_id="", at_min=0.0, image=bare)
        return f"synthetic:{hashlib.sha256(encode(case)).hexdigest()}"
    return f"sha256:{ref.sha256}"


def labelled_cases(events: Iterable[Event], until_min: float = math.inf) -> Labelled:
    """Return the cases with a label that counts, of messages received before a time."""
    arrived: dict[str, CaseArrived] = {}
    answers: dict[str, VerdictIssued | CaseRejected] = {}
    referred: dict[str, bool] = {}
    messages: defaultdict[str, dict[str, FeedbackReceived]] = defaultdict(dict)
    for event in events:
        if getattr(event, "at_min", 0.0) >= until_min:
            continue
        match event:
            case CaseArrived():
                arrived[event.case_id] = event
            case VerdictIssued() | CaseRejected():
                answers[event.case_id] = event
            case CaseClosed():
                referred[event.case_id] = event.referred
            case FeedbackReceived():
                messages[event.case_id][event.feedback_id] = event
    apart: Counter[str] = Counter()
    found = []
    for case_id, sent in messages.items():
        case, answer = arrived.get(case_id), answers.get(case_id)
        settled = settle(case, answer, sent.values())
        apart.update(settled.apart.values())
        counts, malignant = settled.counts, settled.malignant
        if counts is None or malignant is None or case is None:
            continue
        if not isinstance(answer, VerdictIssued):
            continue
        found.append(
            LabelledCase(
                arrived=case,
                verdict=answer,
                malignant=malignant,
                p_verified=counts.p_verified,
                referred=referred.get(case_id, False),
                picture=picture_of(case.image),
            )
        )
    found.sort(key=lambda one: (one.arrived.at_min, one.arrived.case_id))
    return Labelled(cases=tuple(found), apart=dict(sorted(apart.items())))


def copies(cases: Sequence[LabelledCase]) -> list[int]:
    """Return how often each case is put before the base learners, about len(cases) in all.

    The learners' contract has no weights, so weights become copies: floor(n · wᵢ / Σ w + uᵢ) with
    a uniform number uᵢ of the case's own. Its mean is the weight's share of n, exactly
    (unbiased random rounding).
    """
    total = sum(one.weight for one in cases)
    return [
        math.floor(len(cases) * one.weight / total + keyed(f"refit.copies:{one.arrived.case_id}"))
        for one in cases
    ]
