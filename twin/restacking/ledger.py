"""What the re-stacker knows of each case, and the labels of a window of time as evidence.

A set of facts, not a history: any order of the events gives the same ledger.
"""

import hashlib
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    EpochReached,
    LoggedEvent,
    StackEvent,
    VerdictIssued,
)
from twin.events import FeedbackReceived as Feedback
from twin.groups import GROUP_OF_TONE, age_band
from twin.images import ImageRef, SyntheticRef
from twin.labels import CLASSES, settle
from twin.restacking.evidence import Evidence
from twin.restacking.weighting import known_weights

Answered = tuple[CaseArrived, VerdictIssued]

GATE_SHARE: Final = 3  # one picture in so many is for the gate alone


@dataclass(slots=True)
class Entry:
    """All that is known of one case."""

    arrived: CaseArrived | None = None
    answer: VerdictIssued | CaseRejected | None = None
    closed: CaseClosed | None = None
    messages: dict[str, Feedback] = field(default_factory=dict)  # by feedback_id
    picture: str = ""  # identity of the picture, whatever the acquisition


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCase:
    """A case with scores, as of a time."""

    arrived: CaseArrived
    verdict: VerdictIssued
    closed: CaseClosed | None  # None: still there, or it is not known yet
    label: Feedback | None  # the message that counts
    picture: str


class Ledger:
    """Collects events by case; everything that is asked of it is asked as of a time."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._arrivals: list[tuple[float, str]] = []  # sorted
        # Sorted times of what an epoch's marker counts.
        self._answered: list[float] = []
        self._closed: list[float] = []
        self._received: list[float] = []
        self._messages: list[tuple[float, str]] = []  # sorted: when received, and of which case

    def note(self, event: LoggedEvent) -> bool:
        """Take an event in; return whether it is news. The first of its kind is of record."""
        if isinstance(event, StackEvent):
            return False  # of no case
        entry = self._entries.setdefault(event.case_id, Entry())
        match event:
            case Feedback() if event.feedback_id not in entry.messages:
                entry.messages[event.feedback_id] = event
                insort(self._received, event.at_min)
                insort(self._messages, (event.at_min, event.case_id))
                return True
            case CaseClosed() if entry.closed is None:
                entry.closed = event
                insort(self._closed, event.at_min)
                return True
            case CaseArrived() if entry.arrived is None:
                entry.arrived, entry.picture = event, picture_of(event.image)
                insort(self._arrivals, (event.at_min, event.case_id))
            case VerdictIssued() | CaseRejected() if entry.answer is None:
                entry.answer = event
            case _:
                return False
        if entry.arrived is not None and entry.answer is not None:
            insort(self._answered, entry.arrived.at_min)
        return True

    def complete(self, epoch: EpochReached) -> bool:
        """Return whether everything that came before an epoch is here."""
        wanted = (
            (self._answered, epoch.cases),
            (self._received, epoch.feedback),
            (self._closed, epoch.closed),
        )
        return all(bisect_left(times, epoch.at_min) >= count for times, count in wanted)

    def answered(self, from_min: float, before_min: float) -> list[Answered]:
        """Return the cases of a time that have a verdict, in order of arrival."""
        return [(case.arrived, case.verdict) for case in self.cases(from_min, before_min)]

    def cases(self, from_min: float, before_min: float) -> list[LedgerCase]:
        """Return the cases with scores that arrived in [from, before), in canonical order.

        What happened at `before_min` or later is not in them.
        """
        first = bisect_left(self._arrivals, (from_min, ""))
        last = bisect_left(self._arrivals, (before_min, ""))
        entries = (self._entries[case_id] for _, case_id in self._arrivals[first:last])
        return [case for entry in entries if (case := _case(entry, before_min)) is not None]

    def labelled(self, from_min: float, before_min: float) -> list[LedgerCase]:
        """Return the cases whose label, as of `before_min`, came in [from, before).

        Whenever they arrived; in the order in which the labels came, and of case_id.
        """
        first = bisect_left(self._messages, (from_min, ""))
        last = bisect_left(self._messages, (before_min, ""))
        found = []
        for at_min, case_id in dict.fromkeys(self._messages[first:last]):
            case = _case(self._entries[case_id], before_min)
            if case is not None and case.label is not None and case.label.at_min == at_min:
                found.append(case)
        return found

    def pictures_before(self, at_min: float) -> set[str]:
        """Return the pictures of cases that arrived before a time and have a label by now."""
        last = bisect_left(self._arrivals, (at_min, ""))
        entries = (self._entries[case_id] for _, case_id in self._arrivals[:last])
        return {entry.picture for entry in entries if entry.messages}

    def apart(self, before_min: float) -> Counter[str]:
        """Return how many messages received before a time do not count, by reason."""
        found: Counter[str] = Counter()
        for entry in self._entries.values():
            if entry.messages:
                messages = _until(entry, before_min)
                found.update(settle(entry.arrived, entry.answer, messages).apart.values())
        return found

    def evidence(self, from_min: float, before_min: float, learners: tuple[str, ...]) -> Evidence:
        """Return the cases that arrived in [from, before) and have a label that counts by its end.

        Weighted by the known probability of verification.

        Parameters:
            learners: columns of the log-odds; NaN where one was missing.
        """
        return evidence_of(self.cases(from_min, before_min), learners)


def _case(entry: Entry, before_min: float) -> LedgerCase | None:
    """Return a case as of a time; None without scores."""
    if entry.arrived is None or not isinstance(entry.answer, VerdictIssued):
        return None
    label = None
    if entry.messages:
        label = settle(entry.arrived, entry.answer, _until(entry, before_min)).counts
    return LedgerCase(
        arrived=entry.arrived,
        verdict=entry.answer,
        closed=entry.closed if entry.closed and entry.closed.at_min < before_min else None,
        label=label,
        picture=entry.picture,
    )


def evidence_of(cases: Sequence[LedgerCase], learners: tuple[str, ...]) -> Evidence:
    """Return those of the cases that have a label; unlabelled ones only tell the weights."""
    rows = [(case, case.label) for case in cases if case.label is not None]
    numbers: dict[str, int] = {}
    for case, _ in rows:
        numbers.setdefault(case.picture, len(numbers))
    held_out = {picture: is_held_out(picture) for picture in numbers}
    referred = np.array([_referred(case, label) for case, label in rows], np.bool_)
    p_verified = np.array([label.p_verified for _, label in rows], np.float64)
    return Evidence(
        case_id=tuple(case.arrived.case_id for case, _ in rows),
        at_min=np.array([case.arrived.at_min for case, _ in rows], np.float64),
        log_odds=_matrix(
            [[case.verdict.log_odds.get(name, np.nan) for name in learners] for case, _ in rows],
            len(learners),
        ),
        sketch=_sketches([case.verdict.sketch for case, _ in rows]),
        malignant=np.array([CLASSES[label.label] for _, label in rows], np.bool_),
        referred=referred,
        p_verified=p_verified,
        weight=known_weights(p_verified, referred, closed_counts(cases)),
        image=np.array([numbers[case.picture] for case, _ in rows], np.intp),
        held_out=np.array([held_out[case.picture] for case, _ in rows], np.bool_),
        groups=_groups([case.arrived for case, _ in rows]),
    )


def picture_of(image: ImageRef) -> str:
    """Return what names a picture, however it was taken: two patients with one share it."""
    if isinstance(image, SyntheticRef):
        return hashlib.sha256(repr(image.recipe).encode()).hexdigest()
    return image.sha256


@cache
def is_held_out(picture: str) -> bool:
    """Return whether a picture is for the gate: the same for ever, so that no stack has seen it."""
    drawn = hashlib.sha256(b"gate\0" + picture.encode()).digest()
    return int.from_bytes(drawn[:8], "big") % GATE_SHARE == 0


def through(cases: Sequence[LedgerCase]) -> list[LedgerCase]:
    """Return the cases that went through to the end; who left early is not verified."""
    return [case for case in cases if case.closed is not None and not case.closed.left_early]


def closed_counts(cases: Sequence[LedgerCase]) -> tuple[int, int]:
    """Return how many patients went through to the end: not referred, and referred."""
    done = through(cases)
    referred = sum(case.closed is not None and case.closed.referred for case in done)
    return len(done) - referred, referred


def _matrix(rows: Sequence[Sequence[float]], width: int) -> NDArray[np.float64]:
    return np.array(rows, np.float64).reshape(len(rows), width)


def _sketches(rows: list[tuple[float, ...]]) -> NDArray[np.float64]:
    """Return sketches as a matrix; NaN where a verdict has none, as old ones."""
    width = max((len(row) for row in rows), default=0)
    return _matrix([row or (np.nan,) * width for row in rows], width)


def _until(entry: Entry, before_min: float) -> list[Feedback]:
    return [one for one in entry.messages.values() if one.at_min < before_min]


def _referred(case: LedgerCase, label: Feedback) -> bool:
    """Return whether the readers referred; a biopsy says so before the patient has left."""
    return case.closed.referred if case.closed is not None else label.way == "biopsied"


def _groups(cases: Sequence[CaseArrived]) -> dict[str, tuple[str | None, ...]]:
    return {
        "sex": tuple(case.sex for case in cases),
        "age_band": tuple(age_band(case.age) for case in cases),
        "skin_tone": tuple(GROUP_OF_TONE.get(case.skin_tone or "") for case in cases),
        "site": tuple(case.site for case in cases),
    }
