"""Liveness and readiness: is the process well, and is what it says worth reading?"""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.api.answers import json_answer
from services.api.context import Context
from services.api.problems import ProblemError, problems

router = APIRouter(tags=["health"])


class Well(BaseModel):
    """It is well."""

    status: str = Field(examples=["live"])


@router.get(
    "/health/live",
    operation_id="get_liveness",
    summary="Does the process answer?",
    response_model=Well,
    responses=problems(429),
)
async def get_liveness() -> Response:
    """Answer as long as the process does; restart it if this fails."""
    return json_answer({"status": "live"})


@router.get(
    "/health/ready",
    operation_id="get_readiness",
    summary="Is the state fresh enough to be shown?",
    response_model=Well,
    responses=problems(429, 503),
)
async def get_readiness(context: Context) -> Response:
    """Answer 503 while the state is stale, being rebuilt, or out of reach; send nobody here then.

    Restarting this process does not help then: it is the mirror or Redis.
    """
    state = context.history.state
    if state != "live":
        raise ProblemError(503, f"the state is {state}", headers={"Retry-After": "1"})
    return json_answer({"status": "live"})
