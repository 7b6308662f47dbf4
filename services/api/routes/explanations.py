"""Explanations of verdicts: which there are, what they say, and maps as pictures and arrays."""

import io
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from services.api.cases import CaseId
from services.api.conditional import etag_of, not_modified
from services.api.context import Context
from services.api.explaining import (
    asker_of,
    asks_about,
    explanation_of,
    method_named,
    pending,
    problem_of,
    quoted,
)
from services.api.explanations import (
    ExplanationAnswer,
    ExplanationLinks,
    OfferedMethod,
    OfferedMethods,
    Pending,
)
from services.api.pictures.answers import CACHE, NOSNIFF, picture_content, picture_response
from services.api.pictures.wanted import PNG, drawn_map, map_key
from services.api.problems import problems
from services.api.security.access import Scope, requires
from services.asks.ask import Ask
from services.asks.asker import AskFault
from services.asks.found import Found
from twin.explain.methods import METHODS

router = APIRouter(tags=["explanations"], dependencies=[Depends(requires(Scope.READ))])

NPY: Final = "application/octet-stream"
_WORDS: Final = 1  # raise it when the same explanation comes to be told in other words
_ASKING: Final = problems(401, 403, 404, 409, 422, 429, 503, 504)
_PENDING: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": Pending, "description": "Under way: ask again after Retry-After"}
}

Method = Annotated[
    str, Path(description=f"One of {', '.join(METHODS)}.", examples=["occlusion", "grad-cam"])
]
Checked = Annotated[
    bool, Query(description="With deletion and insertion: some hundred scorings more.")
]
WaitS = Annotated[
    float, Query(ge=0, le=60, description="How long to wait before 202 is answered, seconds.")
]


@router.get(
    "/v1/cases/{case_id}/explanations",
    operation_id="list_explanations",
    summary="How a case's verdict can be explained",
    responses=problems(401, 403, 404, 409, 422, 429, 503),
)
async def list_explanations(case_id: CaseId, context: Context) -> OfferedMethods:
    """Return the methods, each with what its map shows and whether it was asked for before."""
    asks = await asks_about(
        context, case_id, [(name, checked) for checked in (False, True) for name in METHODS]
    )
    asker = asker_of(context)
    try:
        kept = await run_in_threadpool(asker.are_kept, asks)
    except AskFault as fault:
        raise problem_of(fault) from fault
    cached = {(one.method, one.checked): there for one, there in zip(asks, kept, strict=True)}
    verdict = asks[0].verdict
    return OfferedMethods(
        case_id=case_id,
        model_id=verdict.model_id,
        stack=verdict.stack,
        missing=list(verdict.missing),
        p_malignant=verdict.p_malignant,
        malignant=verdict.malignant,
        methods=[
            OfferedMethod(
                name=one.name,
                title=one.title,
                about=one.about,
                unit=one.unit,
                asks="surrogate" if one.ask is None else "stack",
                cached=cached[one.name, False],
                cached_checked=cached[one.name, True],
                href=f"/v1/cases/{quoted(case_id)}/explanations/{one.name}",
            )
            for one in METHODS.values()
        ],
    )


@router.get(
    "/v1/cases/{case_id}/explanations/{method}",
    operation_id="get_explanation",
    summary="Why the stack answered as it did on a case, by one method",
    response_model=ExplanationAnswer,
    responses={304: {"description": "Not Modified"}} | _PENDING | _ASKING,
)
async def get_explanation(
    case_id: CaseId,
    method: Method,
    request: Request,
    context: Context,
    checked: Checked = False,
    wait_s: WaitS = 30.0,
) -> Response:
    """Return what is found, as the stack version and the learners that answered have it.

    The first explanation of all starts the explainer, which takes some 15 s; later ones take
    from tenths of a second to some seconds, and are kept for a day.
    """
    (ask,) = await asks_about(context, case_id, [(method_named(method), checked)])
    etag = etag_of(_WORDS, case_id, ask.key)
    if (known := not_modified(request, etag, cache=CACHE)) is not None:
        return known
    found = await explanation_of(context, ask, wait_s)
    if found is None:
        return pending(request, ask)
    told = _answer(ask, found).model_dump()
    return JSONResponse(told, headers={"ETag": etag, "Cache-Control": CACHE})


@router.get(
    "/v1/cases/{case_id}/explanations/{method}/map.png",
    operation_id="get_explanation_picture",
    summary="A map in colours",
    response_class=Response,
    responses=picture_content(PNG) | _PENDING | _ASKING | problems(410),
)
async def get_explanation_picture(
    case_id: CaseId,
    method: Method,
    request: Request,
    context: Context,
    overlay: Annotated[bool, Query(description="Over the image in grey.")] = True,
    scale: Annotated[bool, Query(description="Beside a bar of the colours' values.")] = False,
    checked: Checked = False,
    wait_s: WaitS = 30.0,
) -> Response:
    """Return the map, dark blue for little and light yellow for much."""
    (ask,) = await asks_about(context, case_id, [(method_named(method), checked)])
    key = map_key(ask.key, overlay=overlay, scale=scale)
    etag = etag_of(key)
    if (known := not_modified(request, etag, cache=CACHE)) is not None:
        return known
    found = await explanation_of(context, ask, wait_s)
    if found is None:
        return pending(request, ask)
    facts = found.facts["map"]
    wanted = drawn_map(
        key,
        ask.arrived.image,
        _npy(found.values),
        method=method,
        low=facts["low"],
        high=facts["high"],
        unit=METHODS[method].unit,
        overlay=overlay,
        scale=scale,
    )
    return await picture_response(context, wanted, ask.arrived.image, etag)


@router.get(
    "/v1/cases/{case_id}/explanations/{method}/map.npy",
    operation_id="get_explanation_array",
    summary="A map's raw values",
    response_class=Response,
    responses=picture_content(NPY) | _PENDING | _ASKING,
)
async def get_explanation_array(
    case_id: CaseId,
    method: Method,
    request: Request,
    context: Context,
    checked: Checked = False,
    wait_s: WaitS = 30.0,
) -> Response:
    """Return the map in the method's unit: 224 × 224 float32, for `numpy.load`; no pickle."""
    (ask,) = await asks_about(context, case_id, [(method_named(method), checked)])
    etag = etag_of("npy", ask.key)
    if (known := not_modified(request, etag, cache=CACHE)) is not None:
        return known
    found = await explanation_of(context, ask, wait_s)
    if found is None:
        return pending(request, ask)
    headers = {"ETag": etag, "Cache-Control": CACHE, **NOSNIFF}
    headers["Content-Disposition"] = f'attachment; filename="{method}.npy"'
    return Response(_npy(found.raw()), media_type=NPY, headers=headers)


def _npy(values: np.ndarray[Any, np.dtype[np.float32]]) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


def _answer(ask: Ask, found: Found) -> ExplanationAnswer:
    method, verdict = METHODS[ask.method], ask.verdict
    case = f"/v1/cases/{quoted(verdict.case_id)}"
    map_at = f"{case}/explanations/{method.name}/map"
    checked = "checked=true" if ask.checked else ""
    joined = f"&{checked}" if checked else ""
    return ExplanationAnswer(
        case_id=verdict.case_id,
        method=method.name,
        title=method.title,
        about=method.about,
        unit=method.unit,
        checked=ask.checked,
        stack=verdict.stack,
        missing=list(verdict.missing),
        p_malignant=verdict.p_malignant,
        threshold=verdict.threshold,
        malignant=verdict.malignant,
        links=ExplanationLinks(
            case_image=f"{case}/image",
            map=f"{map_at}.png?overlay=true{joined}",
            map_alone=f"{map_at}.png?overlay=false{joined}",
            array=f"{map_at}.npy" + (f"?{checked}" if checked else ""),
        ),
        **found.facts,
    )
