"""Refusals, as the guards answer them."""

import math
from typing import Final

from fastapi.responses import JSONResponse
from starlette.types import Scope as Connection

from services.api.problems import problem_response

STATUSES: Final = (401, 403, 408, 413, 429, 500, 503)
"""What the guards can answer on every path: `FastAPI(responses=problems(*STATUSES))`."""


def refusal(
    connection: Connection,
    status: int,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    retry_after_s: float | None = None,
) -> JSONResponse:
    """Return a problem.

    Parameters:
        connection: that it answers.
        status: of HTTP.
        detail: why, in words.
        headers: of the answer.
        retry_after_s: when it is worth asking again.
    """
    headers = dict(headers or {})
    if retry_after_s is None:
        return problem_response(status, detail, instance=connection["path"], headers=headers)
    whole_s = max(1, math.ceil(retry_after_s))
    headers["Retry-After"] = str(whole_s)
    return problem_response(
        status, detail, instance=connection["path"], headers=headers, retry_after_s=whole_s
    )
