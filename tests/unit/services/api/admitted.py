"""A principal for tests of paths, which have no guards before them."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from services.api.security.access import LOOPBACK, Principal, admit


class Admitted:
    """Middleware that lets everybody in as one principal."""

    def __init__(self, app: ASGIApp, principal: Principal) -> None:
        self.app = app
        self.principal = principal

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        admit(connection, self.principal)
        await self.app(connection, receive, send)


def let_in(app: FastAPI, principal: Principal = LOOPBACK) -> None:
    """Let everybody in as `principal`; without guards, paths that need a scope answer 401."""
    app.add_middleware(Admitted, principal=principal)
