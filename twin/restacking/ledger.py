"""What is known of the cases: who came, what the twin said, and what clinics said afterwards."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np

from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    EpochReached,
    FeedbackReceived,
    LoggedEvent,
    VerdictIssued,
)
from twin.groups import GROUP_OF_TONE, age_band
from twin.images import ImageRef, SyntheticRef
from twin.labels import Settled, settle
from twin.restacking.evidence import Evidence

GATE_SHARE: Final = 3  # one picture in so many is for the gate alone
Answered = tuple[CaseArrived, VerdictIssued]


class Ledger:
    """Facts by case, joined as they come; everything that is asked of it is asked as of a time."""

    def __init__(self) -> None:
        self._arrived: dict[str, CaseArrived] = {}
        self._answers: dict[str, VerdictIssued | CaseRejected] = {}
        self._closed: dict[str, CaseClosed] = {}
        self._messages: dict[str, dict[str, FeedbackReceived]] = {}

    def note(self, event: LoggedEvent) -> None:
        """Take an event in; the first of its kind is the one of record."""
        match event:
            case CaseArrived():
                self._arrived.setdefault(event.case_id, event)
            case VerdictIssued() | CaseRejected():
                self._answers.setdefault(event.case_id, event)
            case CaseClosed():
                self._closed.setdefault(event.case_id, event)
            case FeedbackReceived():
                known = self._messages.setdefault(event.case_id, {})
                known.setdefault(event.feedback_id, event)
            case _:
                pass

    def complete(self, epoch: EpochReached) -> bool:
        """Return whether everything that came before an epoch is here."""
        before_min = epoch.at_min
        cases = [one.case_id for one in self._arrived.values() if one.at_min < before_min]
        if len(cases) < epoch.cases or any(name not in self._answers for name in cases):
            return False
        messages = (one for known in self._messages.values() for one in known.values())
        return sum(one.at_min < before_min for one in messages) >= epoch.feedback

    def answered(self, from_min: float, before_min: float) -> list[Answered]:
        """Return the cases of a time that have a verdict, in order of arrival."""
        found = []
        for case in self._arrived.values():
            answer = self._answers.get(case.case_id)
            if from_min <= case.at_min < before_min and isinstance(answer, VerdictIssued):
                found.append((case, answer))
        return sorted(found, key=lambda pair: (pair[0].at_min, pair[0].case_id))

    def referred(self, case_id: str, before_min: float) -> bool | None:
        """Return the readers' decision; None while the case is not closed."""
        closed = self._closed.get(case_id)
        return None if closed is None or closed.at_min >= before_min else closed.referred

    def apart(self, before_min: float) -> Counter[str]:
        """Return how many messages were kept apart until a time, by reason."""
        found: Counter[str] = Counter()
        for case_id in self._messages:
            found.update(self._settled(case_id, before_min).apart.values())
        return found

    def evidence(self, from_min: float, before_min: float, learners: tuple[str, ...]) -> Evidence:
        """Return the cases that arrived in a time and have a label that counts by its end.

        Weights are the inverse of the known probability of being verified
        (Horvitz & Thompson 1952).

        Parameters:
            learners: columns of the log-odds; NaN where one was missing.
        """
        rows = []
        for case_id in self._messages:
            case, answer = self._arrived.get(case_id), self._answers.get(case_id)
            if case is None or not isinstance(answer, VerdictIssued):
                continue
            if not from_min <= case.at_min < before_min:
                continue
            settled = self._settled(case_id, before_min)
            if settled.counts is not None:
                rows.append((case, answer, settled.counts, settled.malignant))
        rows.sort(key=lambda row: (row[0].at_min, row[0].case_id))
        pictures = [picture_of(case.image) for case, *_ in rows]
        numbers: dict[str, int] = {}
        p_verified = np.array([message.p_verified for *_, message, _ in rows], np.float64)
        return Evidence(
            case_id=tuple(case.case_id for case, *_ in rows),
            at_min=np.array([case.at_min for case, *_ in rows], np.float64),
            log_odds=np.array(
                [
                    [answer.log_odds.get(name, np.nan) for name in learners]
                    for _, answer, *_ in rows
                ],
                np.float64,
            ).reshape(len(rows), len(learners)),
            sketch=_matrix([answer.sketch for _, answer, *_ in rows]),
            malignant=np.array([malignant for *_, malignant in rows], np.bool_),
            referred=np.array(
                [bool(self.referred(case.case_id, before_min)) for case, *_ in rows], np.bool_
            ),
            p_verified=p_verified,
            weight=1.0 / p_verified,
            image=np.array([numbers.setdefault(one, len(numbers)) for one in pictures], np.intp),
            held_out=np.array([is_held_out(one) for one in pictures], np.bool_),
            groups=_groups([case for case, *_ in rows]),
        )

    def _settled(self, case_id: str, before_min: float) -> Settled:
        messages = [one for one in self._messages[case_id].values() if one.at_min < before_min]
        return settle(self._arrived.get(case_id), self._answers.get(case_id), messages)


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


def _matrix(rows: list[tuple[float, ...]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    width = min((len(row) for row in rows), default=0)  # old verdicts have no sketch
    return np.array([row[:width] for row in rows], np.float64).reshape(len(rows), width)


def _groups(cases: list[CaseArrived]) -> Mapping[str, tuple[str | None, ...]]:
    return {
        "sex": tuple(case.sex for case in cases),
        "age_band": tuple(age_band(case.age) for case in cases),
        "skin_tone": tuple(GROUP_OF_TONE.get(case.skin_tone or "") for case in cases),
        "site": tuple(case.site for case in cases),
    }
