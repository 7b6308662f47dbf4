"""A label that is sent in: it is told with the case's present state in mind, or not at all."""

from typing import Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from services.api.conditional import check_if_match
from services.api.idempotency import Attempt, digest_of
from services.api.problems import ProblemError
from services.api.security.access import Principal
from services.api.telling.answers import LabelAnswer
from services.api.telling.known import case_tag
from services.api.telling.telling import Telling, planned
from services.bus.bounds import MAX_CASE_ID
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
        telling.ensure_known()
        # While a label is not in the state, another one with the same If-Match has to wait.
        async with telling.claims.alone(f"label {label.case_id}", telling.known) as claim:
            case = await _case(telling, label.case_id)
            event = planned(attempt)
            if not isinstance(event, FeedbackReceived):
                event = _own(case, attempt, keyed=key is not None)
            if event is None:
                check_if_match(request, case_tag(case))
                event = label_of(label, case, telling.known.latest_min, attempt.seed)
            if event.feedback_id not in case.feedback:
                await telling.tell(attempt, event)
                await claim.settle(telling.known, lambda: _folded(telling, event))
                case = await _case(telling, label.case_id)
            return _answer(event, case)

    said = (label.label, label.way, label.p_verified, label.revision)
    digest = digest_of("feedback", label.case_id, *said)
    return await telling.idempotency.once(principal.id, key, digest, act)


async def _case(telling: Telling, case_id: str) -> CaseState:
    if not 1 <= len(case_id) <= MAX_CASE_ID or not case_id.isprintable():
        raise ProblemError(404, "no case has such an id")
    case = await telling.case(case_id)
    if case is None:
        raise ProblemError(404, f"no case {case_id} is known")
    return case


def _folded(telling: Telling, event: FeedbackReceived) -> bool:
    case = telling.known.case(event.case_id)
    return case is not None and event.feedback_id in case.feedback


def _own(case: CaseState, attempt: Attempt, *, keyed: bool) -> FeedbackReceived | None:
    """Return the message of an earlier try with this key, if the log has it."""
    end = f"-{attempt.seed[:16]}"
    own = (one for name, one in case.feedback.items() if keyed and name.endswith(end))
    return next(own, None)


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
