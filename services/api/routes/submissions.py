"""Paths that tell the live twin something: cases, labels, orders, epochs."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, Response, UploadFile
from pydantic import AfterValidator, BaseModel

from services.api.context import Context
from services.api.idempotency import REPLAYED, IdempotencyKey
from services.api.problems import ProblemError, problems
from services.api.security.access import Principal, Scope, requires
from services.api.telling import cases, labels, stacks
from services.api.telling.answers import CaseAnswer, EpochAnswer, LabelAnswer, OrderAnswer
from services.api.telling.bodies import LabelBody, OrderBody, path_id, printable
from services.api.telling.telling import Telling
from services.api.uploads import MAX_BYTES, too_large
from services.bus.bounds import MAX_CASE_ID, MAX_WORD
from services.live_facts import Label

router = APIRouter()

_DEFAULT_WAIT_S: Final = 10.0
_MOST_WAIT_S: Final = 30.0  # below the time that proxies wait: assumption
_RETRY_AFTER_S: Final = 5
_COMMON: Final = (400, 401, 403, 408, 409, 413, 422, 429, 503)
_REPLAYED: Final = {
    REPLAYED: {"description": "true: the first answer, again.", "schema": {"type": "string"}}
}
_ETAG: Final = {"ETag": {"description": "Of the new state.", "schema": {"type": "string"}}}
_LOCATION: Final = {"Location": {"description": "Path of the case.", "schema": {"type": "string"}}}


Submitter = Annotated[Principal, Depends(requires(Scope.SUBMIT))]
Operator = Annotated[Principal, Depends(requires(Scope.OPERATE))]
NewCaseId = Annotated[
    str | None,
    Form(
        min_length=1,
        max_length=MAX_CASE_ID,
        description="New; the twin makes one if it is left out. It is shown: no names of people.",
        examples=["c17"],
    ),
    AfterValidator(lambda text: None if text is None else path_id(text)),
]
CaseId = Annotated[str, Path(description="Id of a case.", examples=["c17"])]


def telling_of(context: Context) -> Telling:
    """Return what the twin is told with.

    Raises:
        ProblemError: 503, this API takes nothing in.
    """
    if context.telling is None:
        detail = "this API takes nothing in"
        raise ProblemError(503, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})
    return context.telling


Tells = Annotated[Telling, Depends(telling_of)]


def _answers(model: type[BaseModel], *headers: dict[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI says of an answer of success."""
    told = {name: one for some in (*headers, _REPLAYED) for name, one in some.items()}
    return {"model": model, "headers": told}


@router.post(
    "/v1/cases",
    operation_id="submit_case",
    summary="Send a case in",
    status_code=201,
    tags=["cases"],
    response_model=CaseAnswer,
    responses={
        201: {**_answers(CaseAnswer, _ETAG, _LOCATION), "description": "The twin's answer"},
        202: {
            **_answers(CaseAnswer, _ETAG, _LOCATION),
            "description": "It arrived, and its answer has not come yet",
        },
        **problems(*_COMMON, 415),
    },
)
async def submit_case(
    principal: Submitter,
    telling: Tells,
    image: Annotated[
        UploadFile,
        File(description="PNG or JPEG, at most 10 MB and 40 megapixels, edges of 32 px or more."),
    ],
    case_id: NewCaseId = None,
    age: Annotated[int | None, Form(ge=0, le=130, description="Years.", examples=[54])] = None,
    sex: Annotated[Literal["female", "male"] | None, Form()] = None,
    site: Annotated[
        str | None,
        Form(min_length=1, max_length=MAX_WORD, description="Body site.", examples=["back"]),
        AfterValidator(lambda text: None if text is None else printable(text)),
    ] = None,
    skin_tone: Annotated[
        Literal["I", "II", "III", "IV", "V", "VI"] | None, Form(description="Fitzpatrick type.")
    ] = None,
    at_min: Annotated[
        float | None,
        Form(
            ge=0,
            allow_inf_nan=False,
            description="Event time of arrival; not before the twin's, which it is if left out.",
        ),
    ] = None,
    wait_s: Annotated[
        float,
        Query(ge=0, le=_MOST_WAIT_S, description="How long to wait for the answer; 0: not."),
    ] = _DEFAULT_WAIT_S,
    key: IdempotencyKey = None,
) -> Response:
    """Store an image, tell the twin of a case, and wait for its answer.

    The image is kept as it was sent, with its metadata, which is never shown. It is deleted from
    the store after a week.
    """
    data = await image.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise too_large()
    case = cases.Submission(
        data=data,
        case_id=case_id,
        at_min=at_min,
        age=age,
        sex=sex,
        site=site,
        skin_tone=skin_tone,
    )
    return await cases.submit(telling, principal, key, case, wait_s)


@router.post(
    "/v1/cases/{case_id}/feedback",
    operation_id="send_feedback",
    summary="Say what a lesion was",
    status_code=201,
    tags=["cases"],
    response_model=LabelAnswer,
    responses={
        201: {**_answers(LabelAnswer, _ETAG), "description": "What is made of it"},
        **problems(*_COMMON, 404, 412, 428),
    },
)
async def send_feedback(
    principal: Submitter,
    telling: Tells,
    request: Request,
    case_id: CaseId,
    body: LabelBody,
    key: IdempotencyKey = None,
) -> Response:
    """Send a label, with the case's ETag as If-Match.

    What cannot be used is kept apart, with its reason.
    """
    label = Label(case_id=case_id, **body.model_dump())
    return await labels.send_label(telling, principal, key, label, request)


@router.post(
    "/v1/stacks/orders",
    operation_id="order_stack",
    summary="Order an earlier stack back",
    status_code=201,
    tags=["stacks"],
    response_model=OrderAnswer,
    responses={
        201: {**_answers(OrderAnswer, _ETAG), "description": "The next epoch carries it out"},
        **problems(*_COMMON, 412, 428),
    },
)
async def order_stack(
    principal: Operator,
    telling: Tells,
    request: Request,
    body: OrderBody,
    key: IdempotencyKey = None,
) -> Response:
    """Order an earlier version back, with the ETag of `/v1/stacks` as If-Match."""
    return await stacks.send_order(telling, principal, key, body.version, body.reason, request)


@router.post(
    "/v1/epochs",
    operation_id="reach_epoch",
    summary="Reach an epoch",
    status_code=201,
    tags=["stacks"],
    response_model=EpochAnswer,
    responses={
        201: {**_answers(EpochAnswer, _ETAG), "description": "The decision comes later"},
        **problems(*_COMMON),
    },
)
async def reach_epoch(principal: Operator, telling: Tells, key: IdempotencyKey = None) -> Response:
    """Have the twin decide on its stack, on all that is on the log."""
    return await stacks.send_epoch(telling, principal, key)
