"""All guards of the API, put before its paths in one call."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from services.api.security.access import Requires
from services.api.security.access_log import AccessLog
from services.api.security.admission import PUBLIC_PATHS, PUBLIC_PREFIXES, Admission
from services.api.security.audit_trail import FILE_NAME as AUDIT_NAME
from services.api.security.audit_trail import AuditTrail
from services.api.security.bodies import BodyLimits
from services.api.security.envelope import Envelope, Exchange
from services.api.security.key_book import KeyBook
from services.api.security.keys import FILE_NAME as KEYS_NAME
from services.api.security.limits import Limits
from services.api.security.origins import is_loopback
from services.api.security.streams import StreamSlots
from services.logs import Log
from twin.errors import SettingsError

_ASKED: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "X-API-Key",
    "X-Request-Id",
)
_SHOWN: Final = ("ETag", "Idempotency-Replayed", "Location", "Retry-After", "X-Request-Id")


@dataclass(frozen=True, slots=True)
class Guards:
    """What the guards keep, for the paths; it is `app.state.guards`."""

    book: KeyBook
    slots: StreamSlots
    trail: AuditTrail

    def close(self) -> None:
        """Write what the audit log still waits for."""
        self.trail.close()


def ensure_guarded(host: str, home: Path) -> None:
    """Refuse to serve other machines where nobody has a key.

    Parameters:
        host: address to bind to.
        home: DERMTWIN_HOME.

    Raises:
        SettingsError: it is no loopback address and no key is valid.
        DataError: the file of keys is unusable.
    """
    if is_loopback(host):
        return
    book = KeyBook(home / KEYS_NAME)
    if not any(book.is_valid(key) for key in book.keys().values()):
        raise SettingsError(
            "--host",
            host,
            "other machines reach this address and need a key, and no key is valid: make one with"
            " dermtwin keys create NAME --scope read, or bind to 127.0.0.1",
        )


def add_guards(
    app: FastAPI,
    *,
    home: Path,
    host: str,
    log: Log,
    is_stream: Callable[[str], bool],
    limits: Limits | None = None,
    cors: Iterable[str] = (),
    public: Iterable[str] = (),
    on_exchange: Callable[[Exchange], None] = lambda _: None,
) -> Guards:
    """Put the guards before the paths of an application, and return what they keep.

    Parameters:
        app: to be guarded; `app.state.guards` is set.
        home: DERMTWIN_HOME, for keys and the audit log.
        host: address that the server is bound to.
        log: for requests and errors.
        is_stream: tells which paths are event streams.
        limits: of rates, bodies and streams.
        cors: origins whose pages may ask, as https://dashboard.example; none by default.
        public: paths without data that need no key, beside the page and the probes.
        on_exchange: is told of every request, for metrics.

    Raises:
        SettingsError: what `cors` holds is no origin.
    """
    limits = limits or Limits()
    friends = frozenset(_origin(text) for text in cors)
    guards = Guards(
        KeyBook(home / KEYS_NAME), StreamSlots(limits), AuditTrail(home / AUDIT_NAME, log)
    )
    access = AccessLog(log)

    def heard(exchange: Exchange) -> None:
        access(exchange)
        guards.trail(exchange)
        on_exchange(exchange)

    def chain(inner: ASGIApp) -> ASGIApp:
        guarded: ASGIApp = Admission(
            BodyLimits(inner, limits),
            book=guards.book,
            limits=limits,
            slots=guards.slots,
            bound_to_loopback=is_loopback(host),
            friends=friends,
            public=frozenset(public),
            is_stream=is_stream,
            log=log,
        )
        if friends:
            guarded = CORSMiddleware(
                guarded,
                allow_origins=sorted(friends),
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=_ASKED,
                expose_headers=_SHOWN,
            )
        return Envelope(guarded, log, heard)

    app.add_middleware(_Chain, chain=chain)
    app.state.guards = guards
    _tell_that_keys_are_optional(app)
    return guards


def paths_without_scope(app: FastAPI, public: Iterable[str] = ()) -> list[str]:
    """Return the paths that forgot to say which scope they need; for a test of the application.

    Parameters:
        app: with all its paths.
        public: paths that need no key.
    """
    free = PUBLIC_PATHS | frozenset(public)
    # Paths of the application itself, and of the routers in it, which FastAPI keeps as they are.
    return sorted(
        route.path
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        and route.path is not None
        and route.path not in free
        and not route.path.startswith(PUBLIC_PREFIXES)
        and not any(isinstance(one.call, Requires) for one in route.dependant.dependencies)
    )


class _Chain:
    """The guards as one middleware, as FastAPI wants them: before its own handler of errors."""

    def __init__(self, app: ASGIApp, chain: Callable[[ASGIApp], ASGIApp]) -> None:
        self._app = chain(app)

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        await self._app(connection, receive, send)


def _origin(text: str) -> str:
    parts = urlsplit(text.lower())
    if parts.scheme not in ("http", "https") or text.lower() != f"{parts.scheme}://{parts.netloc}":
        raise SettingsError("--cors", text, "expected an origin, as https://dashboard.example")
    return text.lower()


def _tell_that_keys_are_optional(app: FastAPI) -> None:
    """Have OpenAPI say that there are requests without a key: on the machine itself."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        schema = plain()
        for path in schema.get("paths", {}).values():
            for operation in path.values():
                security = operation.get("security") if isinstance(operation, dict) else None
                if security and {} not in security:
                    security.append({})
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it
