"""What a run or forecast leaves for people: its report, and what it said."""

from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from services.api.conditional import etag_of, not_modified
from services.api.desk import Desk
from services.api.problems import ProblemError
from services.jobs.job import Job, State
from services.jobs.launch import tail

# A report runs scripts that its own policy names by their digest. Served from here they could
# otherwise ask this API as whoever reads it: the sandbox gives it an origin that is nobody's.
REPORT_POLICY: Final = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_REPORTS: Final = {"run": "report.html", "forecast": "forecast.html"}
_LOG_BYTES: Final = 16_384  # some hundred lines: assumption
_NOSNIFF: Final = {"X-Content-Type-Options": "nosniff"}


def report_of(request: Request, job: Job) -> Response:
    """Return the page of a job that is done, in a sandbox.

    Raises:
        ProblemError: 404, it has none, or none yet.
    """
    file = job.folder / _REPORTS[job.kind]
    if job.state is not State.DONE or not file.is_file():
        raise ProblemError(404, f"{job.kind} {job.id} has no report: it is {job.state}")
    etag = etag_of(job.id, "report", job.attempt, file.stat().st_mtime_ns)
    if (known := not_modified(request, etag)) is not None:
        return known
    headers = {
        "Content-Security-Policy": REPORT_POLICY,
        "Referrer-Policy": "no-referrer",
        "ETag": etag,
        "Cache-Control": "no-cache",
        **_NOSNIFF,
    }
    # Not FileResponse: it answers ranges, too, with statuses of its own.
    return HTMLResponse(file.read_bytes(), headers=headers)


def log_of(desk: Desk, job: Job) -> PlainTextResponse:
    """Return the end of what a job said; nothing for one from the command line."""
    text = desk.without_places(tail(job.own / "stderr.txt", _LOG_BYTES))
    return PlainTextResponse(text, headers={"Cache-Control": "no-store", **_NOSNIFF})
