"""`/v1/forecasts`: what is likely to come, from the state that the live twin is in."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from services.api.conditional import not_modified
from services.api.idempotency import IdempotencyKey, digest_of
from services.api.job_answers import (
    Accepted,
    ForecastPost,
    ForecastView,
    JobPage,
    JobView,
    etag_of_job,
    members_of,
)
from services.api.job_files import log_of, report_of
from services.api.job_requests import (
    NO_CACHE,
    AtDesk,
    Before,
    JobId,
    Limit,
    StateFilter,
    change,
    duration_min,
    job_of,
    page_of,
    shown,
    take_in,
)
from services.api.problems import problems
from services.api.security.access import Principal, Scope, requires
from services.jobs.asked import forecast_order
from services.jobs.job import Kind, State, read_json, result_file

router = APIRouter(tags=["forecasts"])

FORECASTS: Final[Kind] = "forecast"
_READ: Final = [Depends(requires(Scope.READ))]
_SEEN: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "Not Modified"}}
Operator = Annotated[Principal, Depends(requires(Scope.OPERATE))]


@router.get(
    "/v1/forecasts",
    operation_id="list_forecasts",
    summary="Forecasts, the newest first",
    dependencies=_READ,
    responses=problems(401, 403, 422, 429, 503),
)
def list_forecasts(
    desk: AtDesk, state: StateFilter = None, before: Before = None, limit: Limit = 50
) -> JobPage:
    """Return a page of forecasts."""
    found, older = page_of(desk, FORECASTS, state, before, limit)
    return JobPage(items=[JobView(**members_of(job)) for job in found], before=older)


@router.post(
    "/v1/forecasts",
    operation_id="start_forecast",
    summary="Simulate many futures from the twin's state",
    status_code=202,
    response_model=Accepted,
    responses=problems(401, 403, 413, 422, 429, 503),
)
def start_forecast(
    body: ForecastPost, desk: AtDesk, principal: Operator, key: IdempotencyKey = None
) -> Response:
    """Take in a forecast. What is wrong with its scenario is listed in `errors` of the 422."""
    digest = digest_of("/v1/forecasts", body.model_dump(mode="json"))
    use = {
        "kind": FORECASTS,
        "horizon_min": duration_min(body.horizon),
        "futures": body.futures,
    }
    return take_in(
        desk,
        FORECASTS,
        principal.id,
        key,
        digest,
        lambda id: forecast_order(
            desk.checker.check(body.scenario, body.overrides, use),
            id=id,
            asked_by=principal.id,
            digest=digest,
            horizon=body.horizon,
            futures=body.futures,
            at_min=body.at_min,
        ),
    )


@router.get(
    "/v1/forecasts/{forecast_id}",
    operation_id="get_forecast",
    summary="A forecast: where it stands, how far it is, and its result",
    dependencies=_READ,
    response_model=ForecastView,
    responses=_SEEN | problems(401, 403, 404, 422, 429, 503),
)
def get_forecast(forecast_id: JobId, request: Request, response: Response, desk: AtDesk) -> Any:  # noqa: ANN401
    """Return a forecast. Its ETag changes with its progress, too."""
    job = job_of(desk, FORECASTS, forecast_id)
    etag = etag_of_job(job)
    if (known := not_modified(request, etag)) is not None:
        return known
    response.headers.update({"ETag": etag, **NO_CACHE})
    told = read_json(job.folder / result_file(FORECASTS)) if job.state is State.DONE else None
    return ForecastView(**members_of(job), result=shown(desk, told))


@router.get(
    "/v1/forecasts/{forecast_id}/report",
    operation_id="get_forecast_report",
    summary="A forecast for people: a page with bands and tables",
    dependencies=_READ,
    response_class=HTMLResponse,
    responses=_SEEN | problems(401, 403, 404, 422, 429, 503),
)
def get_forecast_report(forecast_id: JobId, request: Request, desk: AtDesk) -> Response:
    """Return forecast.html. It runs in a sandbox: nothing of this API is in its reach."""
    return report_of(request, job_of(desk, FORECASTS, forecast_id))


@router.get(
    "/v1/forecasts/{forecast_id}/log",
    operation_id="get_forecast_log",
    summary="The end of what a forecast said",
    dependencies=_READ,
    response_class=PlainTextResponse,
    responses=problems(401, 403, 404, 422, 429, 503),
)
def get_forecast_log(forecast_id: JobId, desk: AtDesk) -> PlainTextResponse:
    """Return the last lines on standard error; nothing for one from the command line."""
    return log_of(desk, job_of(desk, FORECASTS, forecast_id))


@router.post(
    "/v1/forecasts/{forecast_id}/cancel",
    operation_id="cancel_forecast",
    summary="End a forecast",
    status_code=202,
    responses=problems(401, 403, 404, 409, 412, 422, 428, 429, 503),
)
def cancel_forecast(
    forecast_id: JobId, request: Request, response: Response, desk: AtDesk, principal: Operator
) -> JobView:
    """Ask a forecast to end. It needs If-Match with its ETag; there is no going on from there."""
    job = change(request, desk, FORECASTS, forecast_id, desk.jobs.cancel, principal.id)
    response.headers["ETag"] = etag_of_job(job)
    return JobView(**members_of(job))
