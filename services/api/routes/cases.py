"""Paths of cases: search, and one case with its whole journey."""

import asyncio
from itertools import islice
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.api.answers import json_answer
from services.api.context import ApiContext, Context
from services.api.live.case_book import undone
from services.api.models.cases import Case, CaseList
from services.api.moment import AsOf, revision_of
from services.api.problems import ProblemError, problems
from services.api.security.access import Scope, requires
from services.api.telling.known import FOLD_WAIT_S, case_tag, wait_until
from services.api.views.cases import case_view, label_of, row_of
from services.bus.bounds import MAX_CASE_ID
from twin.errors import DependencyError
from twin.events import CaseRejected, VerdictIssued
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
        answer = case.answer
        verdict = answer if isinstance(answer, VerdictIssued) else None
        wanted = (
            (malignant, verdict.malignant if verdict else None),
            (rejected, isinstance(answer, CaseRejected)),
            (stack, verdict.stack if verdict else None),
        )
        if any(asked is not None and asked != found for asked, found in wanted):
            continue
        if label is not None and label != (label_of(case) or "none"):  # the dearest one, last
            continue
        rows.append(row_of(case_id, case))
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
    case = await (
        case_now(context, case_id) if moment is None else case_at(context, case_id, moment)
    )
    if case is None:
        raise ProblemError(
            404, "no such case is known" + ("" if moment is None else " at that moment")
        )
    body = case_view(context.history, case_id, case, moment)
    return json_answer(body, request=request if moment is None else None, etag=case_tag(case))


async def case_now(context: ApiContext, case_id: str) -> CaseState | None:
    """Return a case, from the mirror if it is too old to be kept here.

    Raises:
        ProblemError: 503, it is not kept here and the mirror does not answer.
    """
    case = context.history.case(case_id)
    if case is not None or not _is_id(case_id):
        return case
    try:
        return await asyncio.to_thread(context.older_case, case_id)
    except DependencyError as error:
        raise _later("no such case is known here, and the mirror does not answer") from error


async def case_at(context: ApiContext, case_id: str, revision: int) -> CaseState | None:
    """Return a case as it was at a revision that is kept; None if it was not known then.

    Raises:
        ProblemError: 410, it is too old to be kept here, and so is its past; 503, it is too old to
            be kept here, and the mirror does not answer.
    """
    history = context.history
    if history.case(case_id) is not None or not _is_id(case_id):
        return history.book.at(case_id, revision)
    if context.older_case_then is None:
        raise ProblemError(410, "nothing is kept of the past of such a case")
    begun = history.begun
    try:
        older = await asyncio.to_thread(context.older_case_then, case_id)
    except DependencyError as error:
        raise _later("no such case is known here, and the mirror does not answer") from error
    # What the mirror has told us of the case since that revision has to be known here.
    await wait_until(
        history, lambda: history.begun != begun or history.revision >= older.revision, FOLD_WAIT_S
    )
    generation = history.head.generation if history.head is not None else ""
    if history.begun != begun or generation != older.generation:
        raise _later("the mirror has begun anew")
    if history.revision < older.revision:
        raise _later("the mirror's latest changes are not known here yet")
    revision_of(history, revision, None)  # it may be too old by now
    if older.case is None:
        return None
    since = history.book.changes_of(case_id)
    return undone(older.case, [one for one in since if revision < one.revision <= older.revision])


def _is_id(case_id: str) -> bool:
    return 0 < len(case_id) <= MAX_CASE_ID and case_id.isprintable()


def _later(detail: str) -> ProblemError:
    return ProblemError(503, detail, headers={"Retry-After": "2"})
