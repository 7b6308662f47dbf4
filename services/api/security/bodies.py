"""Bodies that are too large or too slow."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from services.api.security.answers import refusal
from services.api.security.limits import Limits

# Who is refused may still be sending. Closing at once would make the kernel reset the connection
# and the answer could be lost, so some of the rest is read and thrown away. Assumptions.
_DRAIN_BYTES: Final = 2_000_000
_DRAIN_S: Final = 2.0


class BodyLimits:
    """Middleware that refuses a body by its announced size, or once it has grown too large.

    Parameters:
        app: that reads the bodies.
        limits: bytes by path, and seconds.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body counted if it has one."""
        if connection["type"] != "http":
            await self._app(connection, receive, send)
            return
        announced: bytes | None = None
        chunked = False
        waits_for_us = False
        for name, value in connection["headers"]:
            if name == b"content-length":
                announced = value
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"expect":
                waits_for_us = True  # "100-continue": nothing is sent before we read
        if (announced is None and not chunked) or announced == b"0":
            await self._app(connection, receive, send)
            return
        limit = self.limit_bytes(connection["path"])
        if announced is not None and (not announced.isdigit() or int(announced) > limit):
            await _refuse(connection, receive, send, 413, _too_large(limit), drain=not waits_for_us)
            return
        body = _Body(receive, send, limit, self._limits.body_s)
        try:
            await self._app(connection, body.receive, body.send)
        except Exception:
            if body.refused is None:
                raise
        if body.refused is not None and not body.started:
            detail = _too_large(limit) if body.refused == 413 else _too_slow(self._limits.body_s)
            await _refuse(
                connection, receive, send, body.refused, detail, drain=body.refused == 413
            )

    def limit_bytes(self, path: str) -> int:
        """Return the most bytes that a path takes: those of the longest prefix listed."""
        found = [
            (len(prefix), most)
            for prefix, most in self._limits.uploads.items()
            if path == prefix or path.startswith(prefix + "/")
        ]
        return max(found)[1] if found else self._limits.body_bytes


class _Body:
    """A body on its way to the app; the app sees the client leave where we have enough of it."""

    def __init__(self, receive: Receive, send: Send, limit: int, timeout_s: float) -> None:
        self.refused: int | None = None
        self.started = False  # the app answers already
        self._receive = receive
        self._send = send
        self._limit = limit
        self._bytes = 0
        self._ended = False
        self._timeout_s = timeout_s
        self._deadline_s: float | None = None  # on the loop's clock, from the first look

    async def receive(self) -> Message:
        if self.refused is not None:
            return {"type": "http.disconnect"}
        if self._ended:
            return await self._receive()
        now_s = asyncio.get_running_loop().time()
        if self._deadline_s is None:
            self._deadline_s = now_s + self._timeout_s
        try:
            async with asyncio.timeout_at(self._deadline_s):
                message = await self._receive()
        except TimeoutError:
            self.refused = 408
            return {"type": "http.disconnect"}
        if message["type"] != "http.request":
            self._ended = True
            return message
        self._bytes += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._bytes > self._limit:
            self.refused = 413
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if self.refused is not None and not self.started:
            return  # what the app makes of a client that left: ours is the answer
        self.started = True
        await self._send(message)


def _too_large(limit: int) -> str:
    return f"the body is larger than the {limit} bytes that are taken here"


def _too_slow(timeout_s: float) -> str:
    return f"the body was not there after {timeout_s:g} s"


async def _refuse(
    connection: Connection, receive: Receive, send: Send, status: int, detail: str, *, drain: bool
) -> None:
    """Answer, read what is still on its way, within reason, and let the connection be closed."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "more_body": True}  # the server closes once it is told the end
        await send(message)

    response = refusal(connection, status, detail, headers={"Connection": "close"})
    await response(connection, receive, answer)
    if drain:
        read = 0
        try:
            async with asyncio.timeout(_DRAIN_S):
                while read < _DRAIN_BYTES:
                    message = await receive()
                    read += len(message.get("body", b""))
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        break
        except TimeoutError:
            pass  # slow or silent: it has had its answer
    await send({"type": "http.response.body", "body": b"", "more_body": False})
