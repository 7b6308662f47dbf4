"""The state of a log at a time: who is in the clinic, and what the twin has said of late."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.clinic.opening import Gone, Inside, Opening
from simulator.experiment.futures import FEWEST_ANSWERS, MOST_ANSWERS
from simulator.language.calendar import DAY_MIN
from twin.errors import SettingsError
from twin.events import CaseArrived, CaseClosed, CaseRejected, Event, VerdictIssued

_CLASS: Final = re.compile(
    r"(?:^|\.)r\d+-(?P<group>[^.]+)-\d+$"
)  # of `case_id_of`; a tag may precede
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A log as of a time. Times are the log's, but for the opening's: those are the scenario's."""

    t0_min: float
    t0_is: str  # what happened then, in words
    offset_min: float  # event time of the scenario's time zero
    opening: Opening
    answers: tuple[tuple[float, bool], ...]  # (p_malignant, flagged), the latest; none if too few
    arrival_min: Floats  # of all cases that had arrived
    closed_min: Floats  # not-a-number for those who are inside
    left_out: int  # cases of others than the attached run
    degraded: tuple[str, ...] = ()


def fork(
    events: Iterable[Event],
    *,
    offset_min: float = 0.0,
    at_min: float | None = None,
    begins: str = "",
    virtual: bool = False,
) -> Fork:
    """Return the state of a log as of an event time.

    Parameters:
        events: of the topics `cases` and `verdicts`, in any order; the first of a kind counts.
        offset_min: event time of the scenario's time zero.
        at_min: the event time; None for the latest arrival or closing, whichever is later.
        begins: only cases whose id begins so are patients of the clinic.
        virtual: whether cases were sent ahead of their time: then closings alone tell the time.

    Raises:
        SettingsError: the time lies before the scenario's time zero.
    """
    arrived: dict[str, CaseArrived] = {}
    closed: dict[str, CaseClosed] = {}
    answers: dict[str, VerdictIssued | CaseRejected] = {}
    others: set[str] = set()
    for event in events:
        if not isinstance(event, CaseArrived | CaseClosed | VerdictIssued | CaseRejected):
            continue
        if not event.case_id.startswith(begins):
            others.add(event.case_id)
        elif isinstance(event, CaseArrived):
            arrived.setdefault(event.case_id, event)
        elif isinstance(event, CaseClosed):
            closed.setdefault(event.case_id, event)
        else:
            answers.setdefault(event.case_id, event)
    t0_min, t0_is, degraded = _time(arrived.values(), closed.values(), offset_min, at_min, virtual)
    if t0_min < offset_min:
        name = "--offset-min" if at_min is None else "--at-min"
        value = offset_min if at_min is None else at_min
        reason = f"event time {t0_min:g} min lies before the scenario's time zero, {offset_min:g}"
        raise SettingsError(name, f"{value:g}", reason)
    come = sorted(
        (one for one in arrived.values() if one.at_min <= t0_min),
        key=lambda one: (one.at_min, one.case_id),
    )
    gone = {case_id: one for case_id, one in closed.items() if one.at_min <= t0_min}
    if any(one.case_id not in arrived for one in gone.values()):
        degraded.append("closings of cases that the log does not know are left out")
    if not come:
        degraded.append("the log has no case by then: futures begin in an empty clinic")
    opening = Opening(
        at_min=t0_min - offset_min,
        inside=tuple(
            _inside(one, answers.get(one.case_id), offset_min)
            for one in come
            if one.case_id not in gone
        ),
        gone=tuple(
            _gone(one, gone[one.case_id], answers.get(one.case_id), offset_min)
            for one in come
            if one.case_id in gone and not gone[one.case_id].left_early
        ),
    )
    return Fork(
        t0_min=t0_min,
        t0_is=t0_is,
        offset_min=offset_min,
        opening=opening,
        answers=_latest([answers[one.case_id] for one in come if one.case_id in answers]),
        arrival_min=np.array([one.at_min for one in come], dtype=np.float64),
        closed_min=np.array(
            [gone[one.case_id].at_min if one.case_id in gone else np.nan for one in come],
            dtype=np.float64,
        ),
        left_out=len(others),
        degraded=tuple(degraded),
    )


def _time(
    arrived: Iterable[CaseArrived],
    closed: Iterable[CaseClosed],
    offset_min: float,
    at_min: float | None,
    virtual: bool,
) -> tuple[float, str, list[str]]:
    """Return the time of the fork, what it is, and what is doubtful about it."""
    if at_min is not None:
        return at_min, "asked for", []
    came = max((one.at_min for one in arrived), default=None)
    left = max((one.at_min for one in closed), default=None)
    if left is not None and (came is None or virtual or left >= came):
        return left, "latest closing", []
    if came is None:
        return offset_min, "the scenario's time zero: the log has no case", []
    ahead_min = 0.0 if left is None else came - left
    if virtual or ahead_min > DAY_MIN:
        doubt = (
            "the latest arrival lies "
            + ("before any closing" if left is None else f"{ahead_min:g} min after the latest")
            + ": a virtual clock sends cases ahead of their time; --at-min sets the time"
        )
        return came, "latest arrival", [doubt]
    return came, "latest arrival", []


def _inside(
    one: CaseArrived, answer: VerdictIssued | CaseRejected | None, zero_min: float
) -> Inside:
    verdict = answer if isinstance(answer, VerdictIssued) else None
    return Inside(
        at_min=one.at_min - zero_min,
        patient_class=_class_of(one.case_id),
        answered=answer is not None,
        p_malignant=None if verdict is None else verdict.p_malignant,
        flagged=None if verdict is None else verdict.malignant,
        rejected=answer.reason if isinstance(answer, CaseRejected) else None,
        age=one.age,
        sex=one.sex,
        site=one.site,
        skin_tone=one.skin_tone,
    )


def _gone(
    one: CaseArrived,
    closed: CaseClosed,
    answer: VerdictIssued | CaseRejected | None,
    zero_min: float,
) -> Gone:
    verdict = answer if isinstance(answer, VerdictIssued) else None
    return Gone(
        at_min=one.at_min - zero_min,
        closed_min=closed.at_min - zero_min,
        nodes=frozenset(closed.waits_min),
        patient_class=_class_of(one.case_id),
        answered=answer is not None,
        p_malignant=None if verdict is None else verdict.p_malignant,
        flagged=None if verdict is None else verdict.malignant,
    )


def _class_of(case_id: str) -> str | None:
    """Return the class that a case id names, if it does.

    >>> _class_of("clinic-r2-x.r0-urgent-000017"), _class_of("r0-000017")
    ('urgent', None)
    """
    match = _CLASS.search(case_id)
    return match["group"] if match else None


def _latest(
    answers: Sequence[VerdictIssued | CaseRejected],
) -> tuple[tuple[float, bool], ...]:
    """Return the latest verdicts, oldest first; none where they are too few."""
    verdicts = [one for one in answers if isinstance(one, VerdictIssued)]
    if len(verdicts) < FEWEST_ANSWERS:
        return ()
    return tuple((one.p_malignant, one.malignant) for one in verdicts[-MOST_ANSWERS:])
