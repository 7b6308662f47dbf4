"""A label that is sent in: it is told with the case's present state in mind, or not at all."""

from typing import Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from services.api.conditional import check_if_match
from services.api.idempotency import Attempt, digest_of
from services.api.problems import ProblemError
from services.api.security.access import Principal
from services.api.telling.answers import LabelAnswer
from services.api.telling.known import FOLD_WAIT_S, case_tag, wait_until
from services.api.telling.telling import Telling, planned
from services.live_facts import COUNTS, Label, fate_of, label_of
from twin.events import FeedbackReceived
from twin.state import CaseState

_OF_RECORD: Final = "it counts"


async def send_label(
    telling: Telling, principal: Principal, key: str | None, label: Label, request: Request
) -> Response:
    """Tell the twin what a lesion was; answer what is made of it.

    Raises:
        ProblemError: 404 no such case, 412 or 428 without its present ETag, 503.
    """

    async def act(attempt: Attempt) -> Response:
        case = await _case(telling, label.case_id)
        event = planned(attempt)
        if not isinstance(event, FeedbackReceived):
            event = _own(case, attempt, keyed=key is not None)
        if event is None:
            check_if_match(request, case_tag(case))
            event = label_of(label, case, telling.known.latest_min, attempt.seed)
        if event.feedback_id not in case.feedback:
            await _tell(telling, attempt, event)
        return _answer(event, telling.known.case(label.case_id) or case)

    said = (label.label, label.way, label.p_verified, label.revision)
    digest = digest_of("feedback", label.case_id, *said)
    return await telling.idempotency.once(principal.id, key, digest, act)


async def _case(telling: Telling, case_id: str) -> CaseState:
    """Return the state of a case, with all that was told of it in it."""
    await telling.claims.wait(_claim(case_id), telling.known)
    case = telling.known.case(case_id)
    if case is None or case.arrived is None:
        raise ProblemError(404, f"no case {case_id} is known")
    return case


def _own(case: CaseState, attempt: Attempt, *, keyed: bool) -> FeedbackReceived | None:
    """Return the message of an earlier try with this key, if the log has it."""
    end = f"-{attempt.seed[:16]}"
    own = (one for name, one in case.feedback.items() if keyed and name.endswith(end))
    return next(own, None)


async def _tell(telling: Telling, attempt: Attempt, event: FeedbackReceived) -> None:
    claim = _claim(event.case_id)
    telling.claims.take(claim)
    try:
        await telling.tell(attempt, event)
    except BaseException:
        telling.claims.drop(claim)
        raise

    def folded() -> bool:
        case = telling.known.case(event.case_id)
        return case is not None and event.feedback_id in case.feedback

    # While it is not in the state, another label with the same If-Match has to wait.
    if await wait_until(telling.known, folded, FOLD_WAIT_S):
        telling.claims.drop(claim)


def _answer(event: FeedbackReceived, case: CaseState) -> Response:
    fate = fate_of(event, case)
    answer = LabelAnswer(
        feedback_id=event.feedback_id,
        case_id=event.case_id,
        at_min=event.at_min,
        counts=fate == COUNTS,
        why=_OF_RECORD if fate == COUNTS else fate,
    )
    # Until the state has it, the case's next ETag is not known.
    headers = {"ETag": case_tag(case)} if event.feedback_id in case.feedback else {}
    return JSONResponse(answer.model_dump(), 201, headers)


def _claim(case_id: str) -> str:
    return f"label {case_id}"
