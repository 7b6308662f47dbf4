"""`/v1/runs`: start a scenario, follow it, end it, carry it on, and read what came of it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from services.api.conditional import etag_of, not_modified
from services.api.idempotency import IdempotencyKey, digest_of
from services.api.job_answers import (
    Accepted,
    JobPage,
    JobView,
    RunPost,
    RunView,
    etag_of_job,
    members_of,
    summary_of,
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
    job_of,
    page_of,
    shown,
    take_in,
)
from services.api.problems import ProblemError, problems
from services.api.security.access import Principal, Scope, requires
from services.jobs.asked import run_order
from services.jobs.job import Kind, State, read_json, result_file
from services.jobs.posted import RUN

router = APIRouter(tags=["runs"])

RUNS: Final[Kind] = "run"
_SEEN: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "Not Modified"}}
_READ: Final = [Depends(requires(Scope.READ))]
Operator = Annotated[Principal, Depends(requires(Scope.OPERATE))]


@router.get(
    "/v1/runs",
    operation_id="list_runs",
    summary="Runs, the newest first; also those that were started from the command line",
    dependencies=_READ,
    responses=problems(401, 403, 422, 429, 503),
)
def list_runs(
    desk: AtDesk, state: StateFilter = None, before: Before = None, limit: Limit = 50
) -> JobPage:
    """Return a page of runs."""
    found, older = page_of(desk, RUNS, state, before, limit)
    return JobPage(items=[JobView(**members_of(job)) for job in found], before=older)


@router.post(
    "/v1/runs",
    operation_id="start_run",
    summary="Start a scenario; it is looked over before",
    status_code=202,
    response_model=Accepted,
    responses=problems(401, 403, 413, 422, 429, 503),
)
def start_run(
    body: RunPost, desk: AtDesk, principal: Operator, key: IdempotencyKey = None
) -> Response:
    """Take in a run. What is wrong with its scenario is listed in `errors` of the 422 answer."""
    if body.speed is not None and body.route != "attach":
        raise ProblemError(422, "speed goes with the route attach")
    digest = digest_of("/v1/runs", body.model_dump(mode="json"))
    use = {"kind": "attach"} if body.route == "attach" else RUN
    return take_in(
        desk,
        RUNS,
        principal.id,
        key,
        digest,
        lambda id: run_order(
            desk.checker.check(body.scenario, body.overrides, use),
            id=id,
            asked_by=principal.id,
            digest=digest,
            route=body.route,
            speed=body.speed,
        ),
    )


@router.get(
    "/v1/runs/{run_id}",
    operation_id="get_run",
    summary="A run: where it stands, how far it is, and its figures",
    dependencies=_READ,
    response_model=RunView,
    responses=_SEEN | problems(401, 403, 404, 422, 429, 503),
)
def get_run(run_id: JobId, request: Request, response: Response, desk: AtDesk) -> Any:  # noqa: ANN401  a view or 304
    """Return a run. Its ETag changes with its progress, too."""
    job = job_of(desk, RUNS, run_id)
    etag = etag_of_job(job)
    if (known := not_modified(request, etag)) is not None:
        return known
    response.headers.update({"ETag": etag, **NO_CACHE})
    return RunView(**members_of(job), summary=shown(desk, summary_of(job)))


@router.post(
    "/v1/runs/{run_id}/cancel",
    operation_id="cancel_run",
    summary="End a run; it can be resumed",
    status_code=202,
    responses=problems(401, 403, 404, 409, 412, 422, 428, 429, 503),
)
def cancel_run(
    run_id: JobId, request: Request, response: Response, desk: AtDesk, principal: Operator
) -> JobView:
    """Ask a run to end. It needs If-Match with the run's ETag; progress since then is no reason
    to refuse.
    """
    job = change(request, desk, RUNS, run_id, desk.jobs.cancel, principal.id)
    response.headers["ETag"] = etag_of_job(job)
    return JobView(**members_of(job))


@router.post(
    "/v1/runs/{run_id}/resume",
    operation_id="resume_run",
    summary="Carry on a run that was cancelled or interrupted",
    status_code=202,
    responses=problems(401, 403, 404, 409, 412, 422, 428, 429, 503),
)
def resume_run(
    run_id: JobId, request: Request, response: Response, desk: AtDesk, principal: Operator
) -> JobView:
    """Carry on: replications that are done are kept. It needs If-Match with the run's ETag."""
    job = change(request, desk, RUNS, run_id, desk.jobs.resume, principal.id)
    response.headers["ETag"] = etag_of_job(job)
    return JobView(**members_of(job))


@router.get(
    "/v1/runs/{run_id}/summary",
    operation_id="get_run_summary",
    summary="All figures of a run",
    dependencies=_READ,
    response_model=dict[str, Any],
    responses=_SEEN | problems(401, 403, 404, 422, 429, 503),
)
def get_run_summary(run_id: JobId, request: Request, response: Response, desk: AtDesk) -> Any:  # noqa: ANN401
    """Return summary.json, as `dermtwin run --json` prints it."""
    job = job_of(desk, RUNS, run_id)
    file = job.folder / result_file(RUNS)
    told = read_json(file) if job.state is State.DONE else None
    if told is None:
        raise ProblemError(404, f"run {run_id} has no summary: it is {job.state}")
    etag = etag_of(run_id, job.attempt, file.stat().st_mtime_ns)
    if (known := not_modified(request, etag)) is not None:
        return known
    response.headers.update({"ETag": etag, **NO_CACHE})
    return shown(desk, told)


@router.get(
    "/v1/runs/{run_id}/report",
    operation_id="get_run_report",
    summary="A run for people: a page with figures and tables",
    dependencies=_READ,
    response_class=HTMLResponse,
    responses=_SEEN | problems(401, 403, 404, 422, 429, 503),
)
def get_run_report(run_id: JobId, request: Request, desk: AtDesk) -> Response:
    """Return report.html. It runs in a sandbox: nothing of this API is in its reach."""
    return report_of(request, job_of(desk, RUNS, run_id))


@router.get(
    "/v1/runs/{run_id}/log",
    operation_id="get_run_log",
    summary="The end of what a run said",
    dependencies=_READ,
    response_class=PlainTextResponse,
    responses=problems(401, 403, 404, 422, 429, 503),
)
def get_run_log(run_id: JobId, desk: AtDesk) -> PlainTextResponse:
    """Return the last lines on standard error; nothing for a run from the command line."""
    return log_of(desk, job_of(desk, RUNS, run_id))
