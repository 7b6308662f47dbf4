"""Paths of cases: search, and one case with its whole journey."""

import asyncio
from itertools import islice
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.api.answers import json_answer
from services.api.context import Context
from services.api.models.cases import Case, CaseList
from services.api.moment import AsOf
from services.api.problems import ProblemError, problems
from services.api.security.access import Scope, requires
from services.api.telling.known import case_tag
from services.api.views.cases import case_view, row_of
from services.bus.bounds import MAX_CASE_ID
from twin.errors import DependencyError
from twin.state import CaseState

router = APIRouter(dependencies=[Depends(requires(Scope.READ))], tags=["cases"])

_READS = problems(401, 403, 404, 410, 422, 429, 503)
MOST_LOOKED_AT = 5_000  # cases in one answer of a search: some milliseconds of the event loop


@router.get(
    "/v1/cases",
    operation_id="list_cases",
    summary="Search cases, the newest first",
    response_model=CaseList,
    responses=problems(401, 403, 404, 410, 422, 429),
)
async def list_cases(
    context: Context,
    moment: AsOf,
    search: Annotated[str, Query(max_length=200, description="part of the id")] = "",
    stage: Annotated[Literal["arrived", "answered", "closed", "unknown"] | None, Query()] = None,
    malignant: Annotated[bool | None, Query(description="the twin's verdict")] = None,
    rejected: Annotated[bool | None, Query()] = None,
    label: Annotated[Literal["malignant", "benign", "none"] | None, Query()] = None,
    stack: Annotated[int | None, Query(ge=0, le=10**9)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[
        str | None, Query(max_length=200, description="`next` of the page before")
    ] = None,
) -> Response:
    """Tell a page of the cases that fit."""
    book = context.history.book
    newest = reversed(book.cases)
    if after is not None:
        if after not in book.cases:
            raise ProblemError(404, "`after` names no case that is known here")
        for case_id in newest:
            if case_id == after:
                break
    rows, last = [], None
    for looked, case_id in enumerate(islice(newest, MOST_LOOKED_AT), start=1):
        last = case_id if looked == MOST_LOOKED_AT else None
        if search and search not in case_id:
            continue
        case = book.cases[case_id] if moment is None else book.at(case_id, moment)
        if case is None or (stage is not None and case.stage.value != stage):
            continue
        row = row_of(case_id, case)
        wanted = (
            (malignant, row["malignant"]),
            (rejected, row["rejected"] is not None),
            (label, row["label"] or "none"),
            (stack, row["stack"]),
        )
        if any(asked is not None and asked != found for asked, found in wanted):
            continue
        rows.append(row)
        if len(rows) == limit:
            last = case_id
            break
    body = {"cases": rows, "next": last, "known": len(book.cases), "dropped": book.dropped}
    return json_answer(body)


@router.get(
    "/v1/cases/{case_id}",
    operation_id="get_case",
    summary="A case with its whole journey",
    response_model=Case,
    responses={304: {"description": "Not Modified"}, **_READS},
)
async def get_case(
    request: Request,
    context: Context,
    moment: AsOf,
    case_id: Annotated[str, Path(max_length=400, examples=["c17"])],
) -> Response:
    """Tell verdict, learners' scores with their weights, labels, and every record about a case."""
    case = await case_now(context, case_id)
    if moment is not None:
        case = context.history.book.at(case_id, moment) if case is not None else None
    if case is None:
        raise ProblemError(404, "no such case is known" + (" at that moment" if moment else ""))
    body = case_view(context.history, case_id, case, moment)
    return json_answer(body, request=request if moment is None else None, etag=case_tag(case))


async def case_now(context: Context, case_id: str) -> CaseState | None:
    """Return a case, from the mirror if it is too old to be kept here.

    Raises:
        ProblemError: 503, it is not kept here and the mirror does not answer.
    """
    case = context.history.case(case_id)
    if case is not None and case.arrived is not None:
        return case
    if not 0 < len(case_id) <= MAX_CASE_ID or not case_id.isprintable():
        return None
    # Of an older one, only what is new is known here.
    try:
        return await asyncio.to_thread(context.older_case, case_id) or case
    except DependencyError as error:
        if case is not None:
            return case
        detail = "no such case is known here, and the mirror does not answer"
        raise ProblemError(503, detail, headers={"Retry-After": "2"}) from error
