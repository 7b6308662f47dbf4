"""The real application over a history, asked in this process by somebody with every right."""

import io
from contextlib import asynccontextmanager

import httpx
from admitted import let_in

from services.api.app import create_app
from services.api.context import ApiContext
from services.api.live.history import History
from services.api.telling.older import OlderCases
from services.config import Settings
from services.logs import open_log

NOWHERE = "redis://127.0.0.1:1/0"  # nobody listens there


def context_of(history: History, redis_url: str = NOWHERE, prefix: str = "t") -> ApiContext:
    older = OlderCases(redis_url, prefix)
    return ApiContext(
        settings=Settings(name=prefix),
        prefix=prefix,
        kafka="127.0.0.1:1",
        redis=redis_url,
        log=open_log(io.StringIO()),
        history=history,
        model_id="m1",
        older_case=older.read,
        older_case_then=older.read_then,
    )


@asynccontextmanager
async def asking(context: ApiContext):
    """Give a client of the application."""
    app = create_app(context)
    let_in(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
