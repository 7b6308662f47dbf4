"""A small application behind the guards, asked in this process."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import StreamingResponse

from services.api.problems import ProblemError, answer_problem
from services.api.routes import audit
from services.api.security.access import Scope, requires
from services.api.security.envelope import tell_about
from services.api.security.guards import Guards, add_guards
from services.api.security.keys import FILE_NAME, create_key
from services.api.security.limits import Limits
from services.logs import open_log


@dataclass
class Guarded:
    app: FastAPI
    guards: Guards
    home: Path
    logged: io.StringIO

    def key(self, *scopes: Scope, days: float = 1.0, now_unix_s: float | None = None) -> str:
        return create_key(self.home / FILE_NAME, "a test", frozenset(scopes), days, now_unix_s)[1]

    def ask(
        self,
        method: str,
        path: str,
        *,
        peer: str = "127.0.0.1",
        key: str | None = None,
        url: str = "http://localhost:8000",
        **more: Any,
    ) -> httpx.Response:
        return self.ask_all([(method, path)], peer=peer, key=key, url=url, **more)[0]

    def ask_all(
        self,
        asked: Iterable[tuple[str, str]],
        *,
        peer: str = "127.0.0.1",
        key: str | None = None,
        url: str = "http://localhost:8000",
        **more: Any,
    ) -> list[httpx.Response]:
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"

        async def run() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app, client=(peer, 40_000))
            async with httpx.AsyncClient(transport=transport, base_url=url) as client:
                return [await client.request(*one, headers=headers, **more) for one in asked]

        return asyncio.run(run())

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = map(json.loads, self.logged.getvalue().splitlines())
        return [line for line in found if line["event"] == event]


def add_paths(app: FastAPI) -> None:
    """Add a path of each sort."""
    app.add_exception_handler(ProblemError, answer_problem)  # type: ignore[arg-type]

    cases = APIRouter(dependencies=[Depends(requires(Scope.READ))])

    @cases.post("/v1/cases/{case_id}")
    @cases.get("/v1/cases/{case_id}")
    async def case(case_id: str) -> str:
        return case_id

    @app.post("/v1/cases", dependencies=[Depends(requires(Scope.SUBMIT))])
    async def submit(request: Request) -> int:
        tell_about(request.scope, "c000017")
        return len(await request.body())

    @app.post("/v1/orders", dependencies=[Depends(requires(Scope.OPERATE))])
    async def order(order: dict[str, Any]) -> int:
        return len(order)

    @app.get("/v1/stream", dependencies=[Depends(requires(Scope.READ))])
    async def stream() -> StreamingResponse:
        async def words() -> AsyncIterator[str]:
            yield ": begun\n\n"
            await asyncio.sleep(3_600)

        return StreamingResponse(words(), media_type="text/event-stream")

    @app.get("/v1/broken", dependencies=[Depends(requires(Scope.READ))])
    async def broken() -> None:
        raise RuntimeError("secret of /home/somebody")

    unmarked = APIRouter()

    @unmarked.get("/v1/unmarked")
    async def forgotten() -> str:
        return "no scope is asked for"

    @app.get("/")
    @app.get("/health/live")
    async def public() -> str:
        return "public"

    for router in (audit.router, cases, unmarked):
        app.include_router(router)


@contextmanager
def guarded(
    home: Path,
    host: str = "127.0.0.1",
    limits: Limits | None = None,
    cors: tuple[str, ...] = (),
) -> Iterator[Guarded]:
    app, logged = FastAPI(), io.StringIO()
    add_paths(app)
    guards = add_guards(
        app,
        home=home,
        host=host,
        log=open_log(logged),
        is_stream="/v1/stream".__eq__,
        limits=limits,
        cors=cors,
    )
    try:
        yield Guarded(app, guards, home, logged)
    finally:
        guards.close()
