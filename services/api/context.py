"""What the paths of the API share: one per process, made by whoever serves it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from services.config import Settings
from services.logs import Log
from twin.state import CaseState

if TYPE_CHECKING:
    from services.api.desk import Desk
    from services.api.idempotency import Idempotency
    from services.api.live.history import History
    from services.api.live.stream import Lines
    from services.api.metrics import Metrics
    from services.api.pictures.renderer import Renderer
    from services.api.telling.older import OlderCase
    from services.api.telling.telling import Telling
    from services.asks.asker import Asker
    from services.dead_letters.book import LetterBook


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
    model_id: str | None = None  # None: not known
    # Reads a case that is too old to be in `history`; it may block.
    older_case: Callable[[str], CaseState | None] = lambda _: None
    # Likewise, with the moment: None where nothing is known of the past of such a case.
    older_case_then: "Callable[[str], OlderCase] | None" = None
    is_closing: Callable[[], bool] = lambda: False  # streams end when the server does
    pictures: "Renderer | None" = None  # makes pictures of cases
    letters: "LetterBook | None" = None  # the dead letters; None: they cannot be read
    asker: "Asker | None" = None  # asks the process that has the actors for explanations
    metrics: "Metrics" = field(init=False)
    lines: "Lines" = field(init=False)  # changes as event streams send them

    def __post_init__(self) -> None:
        from services.api.live.stream import Lines
        from services.api.metrics import Metrics

        self.metrics = Metrics(self.history)
        self.lines = Lines(self.history)


async def context_of(request: Request) -> ApiContext:
    """Return the context that the application was made with.

    Asynchronous, because FastAPI would send a plain function to a thread.
    """
    return cast(ApiContext, request.app.state.context)


Context = Annotated[ApiContext, Depends(context_of)]
