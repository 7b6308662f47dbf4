"""Paths of the twin as a whole: summary, difference between two moments, first crossing."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.answers import json_answer
from services.api.conditional import etag_of
from services.api.context import ApiContext, Context
from services.api.live.crossings import first_crossing
from services.api.models.parts import SeriesAnswer
from services.api.models.twin import Crossing, Difference, Twin
from services.api.moment import AsOf, revision_of
from services.api.problems import problems
from services.api.security.access import Scope, requires
from services.api.views.twin import difference_view, twin_view

router = APIRouter(dependencies=[Depends(requires(Scope.READ))], tags=["twin"])

_ERRORS = problems(401, 403, 404, 410, 422, 429)
Revision = Annotated[int, Query(ge=0, le=10**15, examples=[1])]


def state_tag(context: ApiContext, *more: object) -> str:
    """Return the ETag of whatever is made of the state as a whole."""
    history = context.history
    generation = history.head.generation if history.head else ""
    return etag_of(generation, history.begun, history.revision, *map(str, more))


@router.get(
    "/v1/twin",
    operation_id="get_twin",
    summary="The twin at a glance",
    response_model=Twin,
    responses={304: {"description": "Not Modified"}, **_ERRORS},
)
async def get_twin(request: Request, context: Context, moment: AsOf) -> Response:
    """Tell state, freshness, lag, counts, stack and what is degraded; now or as of a moment."""
    view: dict[str, Any] = twin_view(context.history, context.prefix, context.model_id, moment)
    # How fresh it is changes all the time: the tag says whether the state is another one.
    tag = f"W/{state_tag(context, moment, view['state'], view['degraded'])}"
    return json_answer(view, request=request, etag=tag)


@router.get(
    "/v1/twin/difference",
    operation_id="get_difference",
    summary="What lies between two moments",
    response_model=Difference,
    responses=_ERRORS,
)
async def get_difference(
    context: Context,
    from_revision: Annotated[int, Query(ge=0, le=10**15, alias="from", examples=[0])],
    to_revision: Annotated[
        int | None, Query(ge=0, le=10**15, alias="to", description="now if it is left out")
    ] = None,
) -> Response:
    """Tell which counts, components and stacks differ between two revisions."""
    history = context.history
    ends = [
        history.revision if one is None else revision_of(history, one, None)
        for one in (from_revision, to_revision)
    ]
    a, b = sorted(one for one in ends if one is not None)
    return json_answer(difference_view(history, a, b))


@router.get(
    "/v1/twin/crossings",
    operation_id="get_crossing",
    summary="When did this first reach that?",
    response_model=Crossing,
    responses=_ERRORS,
)
async def get_crossing(
    context: Context,
    of: Annotated[
        str,
        Query(
            max_length=200,
            description="counts.NAME, components.NAME.FACT, components.NAME.restarts,"
            " stack.version, drift.alarms, verdict.p_malignant, or case.latency_ms",
            examples=["counts.verdicts"],
        ),
    ],
    at_least: Annotated[float, Query(allow_inf_nan=False, ge=-(10**15), le=10**15, examples=[100])],
) -> Response:
    """Tell the first record, among those that are kept, which made a quantity reach a value."""
    return json_answer(first_crossing(context.history, of, at_least))


@router.get(
    "/v1/series",
    operation_id="get_series",
    summary="Arrivals, verdicts, departures and waits over event time",
    response_model=SeriesAnswer,
    responses={304: {"description": "Not Modified"}, **problems(401, 403, 422, 429)},
)
async def get_series(
    request: Request,
    context: Context,
    bin_min: Annotated[
        int, Query(ge=15, le=10_080, multiple_of=15, description="width of a bin, minutes")
    ] = 60,
) -> Response:
    """Tell what happened in each bin of event time."""
    body = {"bin_min": bin_min, "bins": context.history.series.bins(bin_min)}
    return json_answer(body, request=request, etag=state_tag(context, "series", bin_min))
