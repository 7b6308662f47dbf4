"""What the re-stacker knows of each case, and the labels of a window of time as evidence.

A set of facts, not a history: any order of the events gives the same ledger.
"""

import hashlib
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.events import CaseArrived, CaseClosed, CaseEvent, CaseRejected, VerdictIssued
from twin.events import FeedbackReceived as Feedback
from twin.groups import GROUP_OF_TONE, age_band
from twin.images import picture_of
from twin.labels import settle
from twin.restacking.evidence import Evidence
from twin.restacking.weighting import known_weights

GROUPS: Final = ("sex", "age_band", "skin_tone", "site")
# Of the pictures one in three is the gate's for ever. The salt only makes the draw our own.
_SALT: Final = b"dermtwin gate 1 "
_GATE_SHARE: Final = 1 / 3


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
    """Collects events by case.

    Parameters:
        learners: all of them, in the registry's order: columns of the evidence.
        columns: of the sketch.
    """

    def __init__(self, learners: Sequence[str], columns: int) -> None:
        self._learners, self._columns = tuple(learners), columns
        self._entries: dict[str, Entry] = {}
        self._arrivals: list[tuple[float, str]] = []  # sorted
        # Sorted times of what an epoch's marker counts.
        self._answered: list[float] = []
        self._closed: list[float] = []
        self._received: list[float] = []

    def note(self, event: CaseEvent) -> bool:
        """Take an event in; return whether it is news. The first of its kind is of record."""
        entry = self._entries.setdefault(event.case_id, Entry())
        match event:
            case Feedback() if event.feedback_id not in entry.messages:
                entry.messages[event.feedback_id] = event
                insort(self._received, event.at_min)
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

    def counts(self, before_min: float) -> tuple[int, int, int]:
        """Return how many cases have arrived and are answered, messages, and patients who left."""
        times = (self._answered, self._received, self._closed)
        answered, received, closed = (bisect_left(one, before_min) for one in times)
        return answered, received, closed

    def cases(self, from_min: float, before_min: float) -> list[LedgerCase]:
        """Return the cases with scores that arrived in [from, before), in canonical order.

        What happened at `before_min` or later is not in them.
        """
        first = bisect_left(self._arrivals, (from_min, ""))
        last = bisect_left(self._arrivals, (before_min, ""))
        found = []
        for _, case_id in self._arrivals[first:last]:
            entry = self._entries[case_id]
            if entry.arrived is None or not isinstance(entry.answer, VerdictIssued):
                continue
            closed = entry.closed if entry.closed and entry.closed.at_min < before_min else None
            label = None
            if entry.messages:
                label = settle(entry.arrived, entry.answer, _until(entry, before_min)).counts
            found.append(
                LedgerCase(
                    arrived=entry.arrived,
                    verdict=entry.answer,
                    closed=closed,
                    label=label,
                    picture=entry.picture,
                )
            )
        return found

    def apart(self, before_min: float) -> Counter[str]:
        """Return how many messages received before a time do not count, by reason."""
        found: Counter[str] = Counter()
        for entry in self._entries.values():
            if entry.messages:
                messages = _until(entry, before_min)
                found.update(settle(entry.arrived, entry.answer, messages).apart.values())
        return found

    def evidence(self, from_min: float, before_min: float) -> Evidence:
        """Return the labelled cases that arrived in [from, before), as known at `before_min`.

        Weighted by the known probability of verification.
        """
        return self.evidence_of(self.cases(from_min, before_min))

    def evidence_of(self, cases: Sequence[LedgerCase]) -> Evidence:
        """Return those of the cases that have a label; unlabelled ones only tell the weights."""
        rows = [(case, case.label) for case in cases if case.label is not None]
        numbers: dict[str, int] = {}
        for case, _ in rows:
            numbers.setdefault(case.picture, len(numbers))
        referred = [_referred(case, label) for case, label in rows]
        verified = np.array([label.p_verified for _, label in rows], np.float64)
        held_out = {picture: is_held_out(picture) for picture in numbers}
        return Evidence(
            case_id=tuple(case.arrived.case_id for case, _ in rows),
            at_min=np.array([case.arrived.at_min for case, _ in rows], np.float64),
            log_odds=self._matrix([self._scores(case.verdict) for case, _ in rows]),
            sketch=np.array([self._sketch(case.verdict) for case, _ in rows], np.float64).reshape(
                len(rows), self._columns
            ),
            malignant=np.array([label.label == "malignant" for _, label in rows], np.bool_),
            referred=np.array(referred, np.bool_),
            p_verified=verified,
            weight=known_weights(verified, np.array(referred, np.bool_), closed_counts(cases)),
            image=np.array([numbers[case.picture] for case, _ in rows], np.intp),
            held_out=np.array([held_out[case.picture] for case, _ in rows], np.bool_),
            groups=_groups([case.arrived for case, _ in rows]),
        )

    def log_odds_of(
        self, cases: Sequence[LedgerCase]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return log-odds, shape (n, learners), and sketches, shape (n, columns), of cases."""
        scores = self._matrix([self._scores(case.verdict) for case in cases])
        sketch = np.array([self._sketch(case.verdict) for case in cases], np.float64)
        return scores, sketch.reshape(len(cases), self._columns)

    @staticmethod
    def referred(cases: Sequence[LedgerCase]) -> NDArray[np.bool_]:
        """Return whether the readers referred each case, shape (n,); False if it is not closed."""
        return np.array([bool(case.closed and case.closed.referred) for case in cases], np.bool_)

    def _matrix(self, rows: list[list[float]]) -> NDArray[np.float64]:
        return np.array(rows, np.float64).reshape(len(rows), len(self._learners))

    def _scores(self, verdict: VerdictIssued) -> list[float]:
        return [verdict.log_odds.get(name, np.nan) for name in self._learners]

    def _sketch(self, verdict: VerdictIssued) -> tuple[float, ...]:
        if verdict.sketch and len(verdict.sketch) != self._columns:
            raise InvariantError(
                f"case {verdict.case_id} has a sketch of {len(verdict.sketch)} columns, "
                f"the model's has {self._columns}"
            )
        return verdict.sketch or (np.nan,) * self._columns


def is_held_out(picture: str) -> bool:
    """Return whether a picture is the gate's: the same for ever, for whoever has it.

    >>> [is_held_out(name) for name in ("a", "b", "c", "d", "e", "f")]
    [False, True, True, False, False, False]
    """
    drawn = hashlib.sha256(_SALT + picture.encode()).digest()[:8]
    return int.from_bytes(drawn, "big") / 2**64 < _GATE_SHARE


def closed_counts(cases: Sequence[LedgerCase]) -> tuple[int, int]:
    """Return how many patients went through to the end: not referred, and referred."""
    done = [case.closed for case in cases if case.closed is not None and not case.closed.left_early]
    referred = sum(one.referred for one in done)
    return len(done) - referred, referred


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
