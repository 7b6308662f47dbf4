"""Cases, as plain data."""

import json
from typing import Any

from services.api.live.change import Change
from services.api.live.history import History, promoted
from twin.events import CaseRejected, Event, FeedbackReceived, VerdictIssued
from twin.log import encode
from twin.stacks import version_of
from twin.state import CaseState

Told = dict[str, Any]


def label_of(case: CaseState) -> str | None:
    """Return the label that counts, if there is one."""
    counts = case.settled().counts if case.feedback else None
    return counts.label if counts else None


def row_of(case_id: str, case: CaseState) -> Told:
    """Return a case in a list; see `services.api.models.cases.CaseRow`."""
    arrived, answer, closed = case.arrived, case.answer, case.closed
    verdict = answer if isinstance(answer, VerdictIssued) else None
    return {
        "case_id": case_id,
        "revision": case.revision,
        "stage": case.stage.value,
        "arrived_min": arrived.at_min if arrived else None,
        "p_malignant": verdict.p_malignant if verdict else None,
        "malignant": verdict.malignant if verdict else None,
        "stack": verdict.stack if verdict else None,
        "label": label_of(case),
        "rejected": answer.reason if isinstance(answer, CaseRejected) else None,
        "referred": closed.referred if closed else None,
        "wait_min": sum(closed.waits_min.values()) if closed else None,
        "missing": list(verdict.missing) if verdict else [],
        "image": case.image,
    }


def case_view(history: History, case_id: str, case: CaseState, revision: int | None) -> Told:
    """Return all that is known of a case; see `services.api.models.cases.Case`."""
    arrived = case.arrived
    verdict = case.answer if isinstance(case.answer, VerdictIssued) else None
    settled = case.settled()
    return {
        **row_of(case_id, case),
        "age": arrived.age if arrived else None,
        "sex": arrived.sex if arrived else None,
        "site": arrived.site if arrived else None,
        "skin_tone": arrived.skin_tone if arrived else None,
        "verdict": _verdict(history, verdict) if verdict else None,
        "labels": [
            {
                "feedback_id": one.feedback_id,
                "label": one.label,
                "way": one.way,
                "at_min": one.at_min,
                "revision": one.revision,
                "counts": settled.counts is not None
                and settled.counts.feedback_id == one.feedback_id,
                "why": settled.apart.get(one.feedback_id, ""),
            }
            for one in sorted(case.feedback.values(), key=lambda one: one.at_min)
        ],
        "journey": _journey(case, history.book.changes_of(case_id)),
        "waits_min": case.closed.waits_min if case.closed else {},
        "as_of_revision": revision,
    }


def _verdict(history: History, verdict: VerdictIssued) -> Told:
    event = promoted(history.shelves["stacks"]).get(verdict.stack)
    weights: dict[str, float] = {}
    intercept = None
    if event is not None:
        # The stack for the learners that answered: with one missing, others weigh more.
        stacks = version_of(event).meta.stacks
        one = next((w for there, w in stacks.items() if set(there) == set(verdict.log_odds)), None)
        if one is not None:
            weights, intercept = dict(one.weights), one.intercept
    return {
        "p_malignant": verdict.p_malignant,
        "threshold": verdict.threshold,
        "malignant": verdict.malignant,
        "stack": verdict.stack,
        "model_id": verdict.model_id,
        "intercept": intercept,
        "learners": [
            {
                "name": name,
                "log_odds": log_odds,
                "weight": weights.get(name),
                "contribution": log_odds * weights[name] if name in weights else None,
            }
            for name, log_odds in verdict.log_odds.items()
        ],
        "missing": list(verdict.missing),
    }


def _part_of(event: Event | None) -> tuple[str, str]:
    """Return what of its case an event tells; each part of a case is told by one event."""
    match event:
        case FeedbackReceived():
            return "feedback", event.feedback_id
        case VerdictIssued() | CaseRejected():
            return "answer", ""
    return type(event).__name__, ""


def _journey(case: CaseState, changes: list[Change]) -> list[Told]:
    """Return the records about a case in the order of their event time."""
    # Not the events themselves: those of a case that was read from the mirror are others.
    kept = {_part_of(change.event): change for change in changes}
    facts = [case.arrived, case.answer, *case.feedback.values(), case.closed]
    steps = []
    for event in facts:
        if event is None:
            continue
        change = kept.get(_part_of(event))
        steps.append(
            {
                "at_min": event.at_min,
                "sent_unix_ms": change.sent_unix_ms if change else None,
                "revision": change.revision if change else None,
                "what": type(event).__name__,
                "event": json.loads(encode(event)),
            }
        )
    return sorted(steps, key=lambda step: step["at_min"])
