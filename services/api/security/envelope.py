"""Around every request: its id, headers of the answer, errors nobody expected, and who is told."""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from services.api.security.access import known
from services.api.security.answers import refusal
from services.api.security.headers import with_defaults
from services.api.security.origins import peer
from services.logs import Log

_PLAIN_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch
_LEFT: Final = 499  # as nginx notes it: the client did not wait for the answer
_ABOUT: Final = "about"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and how it was answered, for the logs."""

    at_unix_s: float
    request_id: str
    principal: str | None
    via: str | None
    peer: str
    method: str
    path: str
    about: str | None  # the id of the case or whatever else it was about
    status: int
    duration_ms: float


def tell_about(connection: Connection, id_: str) -> None:
    """Note what a request is about where its path does not say so: the id of a new case."""
    connection.setdefault("state", {})[_ABOUT] = id_


def request_id(connection: Connection) -> str:
    """Return the id of a request, which its answer has as X-Request-Id."""
    return str(connection.get("state", {}).get("request_id", ""))


class Envelope:
    """The outermost middleware.

    Parameters:
        app: everything else.
        log: for errors that nobody expected, with their traceback, which no answer has.
        heard: told of every exchange, when it has ended; it must not block.
    """

    def __init__(self, app: ASGIApp, log: Log, heard: Callable[[Exchange], None]) -> None:
        self._app = app
        self._log = log
        self._heard = heard

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Pass a request on and finish its answer."""
        if connection["type"] != "http":
            await self._app(connection, receive, send)
            return
        started_unix_s, started_s = time.time(), time.perf_counter()
        id_ = _id_of(connection)
        connection.setdefault("state", {})["request_id"] = id_.decode()
        status = 0

        async def finished(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = with_defaults(list(message.get("headers", ())))
                headers.append((b"x-request-id", id_))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(connection, receive, finished)
        except ClientDisconnect:
            status = status or _LEFT
        except Exception as error:  # noqa: BLE001  whatever it was, the client sees none of it
            self._log.error(
                "request failed",
                request_id=id_.decode(),
                method=connection["method"],
                path=connection["path"],
                exc_info=error,
            )
            if not status:
                detail = f"something went wrong here; it is logged as request {id_.decode()}"
                answer = refusal(connection, 500, detail)
                await answer(connection, receive, finished)
            # Otherwise the answer is under way: it ends short and the server hangs up.
        finally:
            self._heard(
                _exchange(
                    connection,
                    id_.decode(),
                    status or _LEFT,
                    started_unix_s,
                    (time.perf_counter() - started_s) * 1_000,
                )
            )


def _id_of(connection: Connection) -> bytes:
    for name, value in connection["headers"]:
        if name == b"x-request-id" and _PLAIN_ID(value):
            return bytes(value)
    return secrets.token_hex(8).encode()


def _exchange(
    connection: Connection, id_: str, status: int, at_unix_s: float, duration_ms: float
) -> Exchange:
    principal = known(connection)
    about = connection.get("state", {}).get(_ABOUT)
    if about is None:
        about = "/".join(map(str, connection.get("path_params", {}).values())) or None
    return Exchange(
        at_unix_s=at_unix_s,
        request_id=id_,
        principal=principal.id if principal else None,
        via=principal.via if principal else None,
        peer=peer(connection),
        method=connection["method"],
        path=connection["path"],
        about=about,
        status=status,
        duration_ms=duration_ms,
    )
