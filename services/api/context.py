"""What the paths of the API share: one per process, made by whoever serves it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from services.config import Settings
from services.logs import Log

if TYPE_CHECKING:
    from services.api.desk import Desk
    from services.api.idempotency import Idempotency
    from services.api.live.history import History
    from services.api.telling.telling import Telling


@dataclass(slots=True, kw_only=True)
class ApiContext:
    """The live twin as the API knows it, and what it needs to ask and tell it."""

    settings: Settings
    prefix: str  # of the twin's topics and keys
    kafka: str
    redis: str
    log: Log
    history: "History"  # the mirror's changes, and the state that they lead to
    desk: "Desk | None" = None  # runs and forecasts; None: none are offered
    idempotency: "Idempotency | None" = None  # None: nothing can be sent in
    telling: "Telling | None" = None  # likewise


def context_of(request: Request) -> ApiContext:
    """Return the context that the application was made with."""
    return cast(ApiContext, request.app.state.context)


Context = Annotated[ApiContext, Depends(context_of)]
