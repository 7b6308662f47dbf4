"""What the paths of runs and forecasts have in common: find, list, take in, cancel, resume."""

import hashlib
import json
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from services.api.conditional import check_if_match
from services.api.context import ApiContext, Context
from services.api.desk import Desk
from services.api.idempotency import REPLAYED
from services.api.job_answers import accepted, errors_of, etag_of_job, href_of
from services.api.problems import ProblemError
from services.jobs.job import Job, Kind, State
from services.jobs.order import JobClashError, JobOrder, JobStateError, QueueFullError
from services.jobs.posted import BusyError, RefusedError

NO_CACHE: Final = {"Cache-Control": "no-cache"}
_FULL_S: Final = 30  # a job takes seconds to minutes: assumption
_BUSY_S: Final = 2

JobId = Annotated[
    str, Path(max_length=200, description="As the list says.", examples=["run-3fa2b4c1d5e6f708"])
]
StateFilter = Annotated[State | None, Query(description="Only those in this state.")]
Before = Annotated[str | None, Query(max_length=200, description="Only those older than this one.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Most that are returned.")]


def desk_of(context: Context) -> Desk:
    """Return the desk.

    Raises:
        ProblemError: 503, the server was started without one.
    """
    return _desk(context)


def _desk(context: ApiContext) -> Desk:
    if context.desk is None:
        raise ProblemError(503, "this server takes no runs")
    return context.desk


AtDesk = Annotated[Desk, Depends(desk_of)]


def job_of(desk: Desk, kind: Kind, id: str) -> Job:
    """Return a job of a kind.

    Raises:
        ProblemError: 404, there is none.
    """
    job = desk.jobs.get(id)
    if job is None or job.kind != kind:
        raise ProblemError(404, f"no {kind} {id} is known")
    return job


def page_of(
    desk: Desk, kind: Kind, state: State | None, before: str | None, limit: int
) -> tuple[list[Job], str | None]:
    """Return jobs of a kind, the newest first, and the id that older ones come before.

    Raises:
        ProblemError: 422, `before` is no job.
    """
    found = [job for job in desk.jobs.all() if job.kind == kind]
    if before is not None:
        places = [place for place, job in enumerate(found) if job.id == before]
        if not places:
            raise ProblemError(422, "before names nothing that is known")
        found = found[places[0] + 1 :]
    found = [job for job in found if state is None or job.state is state]
    more = len(found) > limit
    return found[:limit], found[limit - 1].id if more else None


def shown(desk: Desk, result: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a result without what tells where this machine keeps it; None for None."""
    if result is None:
        return None
    kept = {key: value for key, value in result.items() if key != "run_dir"}
    told: dict[str, Any] = json.loads(desk.without_places(json.dumps(kept, ensure_ascii=False)))
    return told


def take_in(
    desk: Desk,
    kind: Kind,
    principal: str,
    key: str | None,
    digest: str,
    order: Callable[[str], JobOrder],
) -> Response:
    """Take in a job and answer 202; sent again with its key, it answers the same.

    The job's id is made of the principal and the key, so its folder remembers the request: as long
    as the run is kept, also when everything was restarted, and without Redis.

    Parameters:
        principal: who asks.
        key: Idempotency-Key; None: each request is a job of its own.
        digest: of the request.
        order: makes the job of its id; it looks the scenario over.

    Raises:
        ProblemError: 422 a scenario that is not valid, or a key used for something else; 429 too
            many jobs wait; 503 too many scenarios are looked over.
    """
    seed = uuid.uuid4().hex
    if key is not None:
        seed = hashlib.sha256(f"{kind}\0{principal}\0{key}".encode()).hexdigest()
    id = f"{kind}-{seed[:16]}"
    there = desk.jobs.get(id)
    try:
        if there is not None and there.asked.get("digest") != digest:
            raise JobClashError(id)
        job = there or desk.jobs.submit(order(id))
    except JobClashError as error:
        raise ProblemError(422, "this Idempotency-Key was used with another content") from error
    except RefusedError as refused:
        errors = errors_of(refused)
        many = f"{len(errors)} problems" if len(errors) > 1 else errors[0]["message"]
        raise ProblemError(422, f"the scenario is not valid: {many}", errors=errors) from refused
    except QueueFullError as error:
        raise _full() from error
    except BusyError as error:
        raise ProblemError(
            503, "too many scenarios are being looked over", headers={"Retry-After": str(_BUSY_S)}
        ) from error
    headers = {"Location": href_of(job)} | ({REPLAYED: "true"} if there is not None else {})
    return JSONResponse(accepted(job).model_dump(mode="json"), status_code=202, headers=headers)


def change(
    request: Request, desk: Desk, kind: Kind, id: str, act: Callable[[str, str], Job], by: str
) -> Job:
    """Cancel or resume a job that is as whoever asks last saw it, but for its progress.

    Parameters:
        act: `Jobs.cancel` or `Jobs.resume`.
        by: who asks.

    Raises:
        ProblemError: 404; 428, 412; 409 where it cannot be done now; 429 too many jobs wait.
    """
    with desk.jobs.undisturbed():  # of two who saw the same state, one comes too late
        check_if_match(request, etag_of_job(job_of(desk, kind, id)), passing=True)
        try:
            return act(id, by)
        except JobStateError as error:
            raise ProblemError(409, f"not possible: {error}") from error
        except QueueFullError as error:
            raise _full() from error


def _full() -> ProblemError:
    return ProblemError(429, "too many jobs wait already", headers={"Retry-After": str(_FULL_S)})


def duration_min(text: str) -> float:
    """Return a duration in minutes.

    Raises:
        ProblemError: 422, it is none, or 0.
    """
    from simulator.quantities import QuantityError, parse_duration

    try:
        minutes = parse_duration(text)
    except QuantityError as error:
        raise ProblemError(422, f"horizon: {error.args[1]}") from error
    if not 0 < minutes < math.inf:
        raise ProblemError(422, "horizon: must be above 0")
    return minutes
