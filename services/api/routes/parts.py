"""Paths of the twin's parts: components, stacks, drift, performance."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.api.answers import json_answer
from services.api.context import Context
from services.api.live.history import promoted
from services.api.models.parts import (
    Component,
    ComponentHistory,
    Components,
    Drift,
    Performance,
    StackDifference,
    Stacks,
    Version,
)
from services.api.moment import AsOf
from services.api.problems import ProblemError, problems
from services.api.routes.twin import state_tag
from services.api.security.access import Scope, requires
from services.api.telling.known import stacks_tag
from services.api.views.parts import (
    component_view,
    drift_view,
    entries_of,
    performance_view,
    stacks_view,
    version_view,
)
from twin.events import ComponentChanged, StackPromoted

router = APIRouter(dependencies=[Depends(requires(Scope.READ))])

_READS = problems(401, 403, 404, 410, 422, 429)
_SAME: dict[int | str, dict[str, Any]] = {304: {"description": "Not Modified"}}
Name = Annotated[str, Path(max_length=200, examples=["stem"])]
Number = Annotated[int, Path(ge=0, le=10**9, examples=[0])]


def _component(context: Context, name: str, revision: int | None) -> ComponentChanged:
    moments = context.history.moments
    known = (moments.now if revision is None else moments.at(revision)).components
    if name not in known:
        names = ", ".join(sorted(known)) or "none has spoken yet"
        raise ProblemError(404, f"no component of that name; known: {names}")
    return known[name]


@router.get(
    "/v1/components",
    operation_id="list_components",
    summary="All components",
    tags=["components"],
    response_model=Components,
    responses=_READS,
)
async def list_components(context: Context, moment: AsOf) -> Response:
    """Tell state, health, version, throughput, latency and errors of every component."""
    history = context.history
    then = history.moments.now if moment is None else history.moments.at(moment)
    events = then.components
    # In the past, ages are counted to the last thing that anybody said by then.
    now = (
        history.clock()
        if moment is None
        else max((one.at_unix_s for one in events.values()), default=0.0)
    )
    parts = [component_view(one, now) for _, one in sorted(events.items())]
    return json_answer({"revision": then.revision, "components": parts})


@router.get(
    "/v1/components/{name}",
    operation_id="get_component",
    summary="One component",
    tags=["components"],
    response_model=Component,
    responses=_READS,
)
async def get_component(context: Context, name: Name, moment: AsOf) -> Response:
    """Tell what a component last said of itself; now or by a moment of the past."""
    event = _component(context, name, moment)
    now = context.history.clock() if moment is None else event.at_unix_s
    return json_answer(component_view(event, now))


@router.get(
    "/v1/components/{name}/history",
    operation_id="get_component_history",
    summary="What a component said of itself of late",
    tags=["components"],
    response_model=ComponentHistory,
    responses=_READS,
)
async def get_component_history(context: Context, name: Name) -> Response:
    """Tell up to 500 of its latest reports, the newest first."""
    _component(context, name, None)
    return json_answer({"name": name, "entries": entries_of(context.history, name)})


@router.get(
    "/v1/stacks",
    operation_id="list_stacks",
    summary="Lineage of the stack",
    tags=["stacks"],
    response_model=Stacks,
    responses={**_SAME, **_READS},
)
async def list_stacks(request: Request, context: Context, moment: AsOf) -> Response:
    """Tell all versions with their weights, what was decided at each epoch, and all orders."""
    body = stacks_view(context.history, moment)
    # Its tag is what orders are held against: it is the same for a look at the past.
    tag = stacks_tag(context.history)
    return json_answer(body, request=request if moment is None else None, etag=tag)


@router.get(
    "/v1/stacks/difference",
    operation_id="get_stack_difference",
    summary="Two versions side by side",
    tags=["stacks"],
    response_model=StackDifference,
    responses=_READS,
)
async def get_stack_difference(
    context: Context,
    a: Annotated[int, Query(ge=0, le=10**9)],
    b: Annotated[int, Query(ge=0, le=10**9)],
) -> Response:
    """Tell how threshold and weights differ."""
    first, second = (version_view(_version(context, number), in_force=False) for number in (a, b))
    names = sorted({*first["weights"], *second["weights"]})
    body = {
        "a": a,
        "b": b,
        "threshold": (first["threshold"], second["threshold"]),
        "intercept": (first["intercept"], second["intercept"]),
        "weights": {n: (first["weights"].get(n), second["weights"].get(n)) for n in names},
    }
    return json_answer(body)


@router.get(
    "/v1/stacks/{version:int}",  # and not /v1/stacks/orders
    operation_id="get_stack",
    summary="One version of the stack",
    tags=["stacks"],
    response_model=Version,
    responses=_READS,
)
async def get_stack(context: Context, version: Number) -> Response:
    """Tell weights, gate and reason of a version."""
    last = max(context.history.promoted, default=None)
    return json_answer(version_view(_version(context, version), in_force=version == last))


def _version(context: Context, number: int) -> StackPromoted:
    versions = promoted(context.history.stacks)
    if number not in versions:
        known = ", ".join(map(str, versions)) or "none was announced"
        raise ProblemError(404, f"no stack version {number}; known: {known}")
    return versions[number]


@router.get(
    "/v1/drift",
    operation_id="get_drift",
    summary="Drift, and shifts that are known",
    tags=["drift"],
    response_model=Drift,
    responses={**_SAME, **_READS},
)
async def get_drift(request: Request, context: Context, moment: AsOf) -> Response:
    """Tell reports by epoch, and the onsets of simulated shifts, which the twin does not see."""
    body = drift_view(context.history, moment)
    tag = state_tag(context, "drift", moment, len(body["known_shifts"]))
    return json_answer(body, request=request, etag=tag)


@router.get(
    "/v1/performance",
    operation_id="get_performance",
    summary="Verdicts against labels",
    tags=["drift"],
    response_model=Performance,
    responses={**_SAME, **problems(401, 403, 422, 429)},
)
async def get_performance(request: Request, context: Context) -> Response:
    """Tell confusion, sensitivity and specificity over the labelled cases that are kept."""
    body = performance_view(context.history.book.scores)
    return json_answer(body, request=request, etag=state_tag(context, "performance"))
