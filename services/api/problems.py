"""Errors as RFC 9457 problem details: what is wrong, in words, and never how we look inside."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE: Final = "application/problem+json"


class Problem(BaseModel):
    """What an error answers with (RFC 9457)."""

    # Members of its own that a kind of problem has, such as `retry_after_s`.
    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no case c17 is known"])
    instance: str | None = Field(default=None, examples=["/v1/cases/c17"])


class ProblemError(Exception):
    """Raised by a path; answered as a problem.

    Parameters:
        status: of HTTP.
        detail: in words; never a path of this machine or a stack trace.
        headers: of the answer.
        more: members beside the standard ones.
    """

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more


def problem_response(
    status: int,
    detail: str,
    *,
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> JSONResponse:
    """Return the answer that tells a problem."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=instance,
        **cast(dict[str, Any], more),
    )
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


async def answer_problem(request: Request, error: ProblemError) -> JSONResponse:
    """Answer a `ProblemError`; FastAPI calls it."""
    return problem_response(
        error.status,
        error.detail,
        instance=request.url.path,
        headers=error.headers,
        **error.more,
    )


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the errors of a path."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
