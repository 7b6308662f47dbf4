"""The case that a path is about, and what the API needs to know of cases."""

from typing import Annotated, Final

from fastapi import Path

from services.api.context import ApiContext
from services.api.problems import ProblemError
from services.api.routes.cases import case_now
from twin.events import CaseArrived, CaseRejected, StackPromoted, VerdictIssued
from twin.state import CaseState

_LONGEST: Final = 200  # signs of an id; the log takes no longer ones

CaseId = Annotated[
    str, Path(description="As the log has it: 1 to 200 printable signs.", examples=["0-000017"])
]


async def known_case(context: ApiContext, case_id: str) -> CaseState:
    """Return a case.

    Raises:
        ProblemError: 404, it is unknown; 503, it is an old one and the mirror does not answer.
    """
    found = None
    if 0 < len(case_id) <= _LONGEST and case_id.isprintable():
        found = await case_now(context, case_id)
    if found is None:
        raise ProblemError(404, "no such case is known")
    return found


def arrived(case: CaseState) -> CaseArrived:
    """Return a case's arrival, which has its image.

    Raises:
        ProblemError: 404, its image is unknown.
    """
    if case.arrived is None:
        raise ProblemError(404, "the case has not arrived yet: its image is unknown")
    return case.arrived


def answered(case: CaseState) -> VerdictIssued:
    """Return the verdict of a case.

    Raises:
        ProblemError: 409, there is none yet; 422, the twin could not score the case.
    """
    if case.answer is None:
        raise ProblemError(409, "the case has no verdict yet, so there is nothing to explain")
    if isinstance(case.answer, CaseRejected):
        raise ProblemError(422, f"the twin could not score the case: {case.answer.reason}")
    return case.answer


def stack_of(context: ApiContext, verdict: VerdictIssued) -> StackPromoted | None:
    """Return the version that answered; None for the stack that the model came with.

    Raises:
        ProblemError: 409, that version is unknown here.
    """
    if verdict.stack == 0:
        return None
    found = context.history.promoted.get(verdict.stack)
    if found is None:
        detail = f"stack version {verdict.stack}, which answered the case, is not known here yet"
        raise ProblemError(409, detail)
    return found
