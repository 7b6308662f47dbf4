"""Metrics for Prometheus."""

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from services.api.context import Context
from services.api.problems import problems
from services.api.security.access import Scope, requires

router = APIRouter(dependencies=[Depends(requires(Scope.READ))], tags=["health"])


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Text format 0.0.4",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **problems(401, 403, 429),
    },
)
async def get_metrics(context: Context) -> Response:
    """Tell latencies, counts, lags, health, stack version and drift."""
    return Response(context.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
