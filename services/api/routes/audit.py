"""`GET /v1/audit`: who changed what, and who was refused."""

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.api.problems import ProblemError, problems
from services.api.security.access import Scope, requires
from services.api.security.answers import STATUSES
from services.api.security.guards import Guards

router = APIRouter(tags=["operation"])


class AuditEntry(BaseModel):
    """A request that changed something or was refused; or a flood of refusals by its number."""

    model_config = ConfigDict(extra="ignore")

    n: int = Field(description="Number of the entry, from 1.", examples=[17])
    kind: Literal["request", "refused", "refusals", "lost"] = Field(
        description="`refusals` sums up a flood of them; `lost` counts entries that could not be"
        " written."
    )
    at_unix_s: float = Field(description="When, in seconds since 1970.", examples=[1760000000.25])
    since_unix_s: float | None = Field(None, description="When a flood began.")
    principal: str | None = Field(
        None, description="Id of the key, or `loopback`; null where nobody is known."
    )
    via: Literal["loopback", "key"] | None = Field(None, description="How that is known.")
    peer: str | None = Field(None, description="Address of the client.", examples=["127.0.0.1"])
    method: str | None = Field(None, examples=["POST"])
    path: str | None = Field(None, examples=["/v1/cases"])
    about: str | None = Field(None, description="Id of what it was about.", examples=["c000017"])
    status: int | None = Field(None, description="Of HTTP.", examples=[202])
    request_id: str | None = Field(None, description="X-Request-Id of the answer.")
    count: int | None = Field(None, description="Requests of a flood, or entries lost.")


class AuditPage(BaseModel):
    """Entries, the newest first."""

    entries: list[AuditEntry]
    before: int | None = Field(
        description="Give this as `before` for older entries; null where there are none."
    )


@router.get(
    "/v1/audit",
    operation_id="list_audit_entries",
    summary="Who changed what, and who was refused; the newest first",
    dependencies=[Depends(requires(Scope.OPERATE))],
    responses=problems(*STATUSES, 422),
)
def list_audit_entries(
    request: Request,
    before: Annotated[
        int | None, Query(ge=1, le=2**53, description="Only entries with numbers below this.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Most entries returned.")] = 50,
) -> AuditPage:
    """Return a page of the audit log."""
    guards = cast(Guards, request.app.state.guards)
    try:
        found = guards.trail.file.page(before, limit + 1)
    except OSError as error:
        raise ProblemError(
            503, "the audit log cannot be read now", headers={"Retry-After": "5"}
        ) from error
    entries = [AuditEntry.model_validate(one) for one in found[:limit]]
    return AuditPage(entries=entries, before=entries[-1].n if len(found) > limit else None)
