"""The gate: who asks, from where, how often, and whether there is a slot for a stream."""

from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from services.api.security.access import CHALLENGE, LOOPBACK, Principal, admit
from services.api.security.answers import refusal
from services.api.security.buckets import Buckets
from services.api.security.key_book import KeyBook, KeyRefusedError
from services.api.security.limits import Limits
from services.api.security.origins import (
    headers_of,
    is_across_sites,
    is_foreign,
    is_loopback,
    is_passed_on,
    names_this_machine,
    network,
    peer,
)
from services.api.security.streams import NoSlotError, StreamSlots
from services.logs import Log
from twin.errors import DataError

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# They hold no data, and whoever opens the page has not entered a key yet.
PUBLIC_PATHS: Final = frozenset({"/", "/favicon.ico", "/health/live", "/health/ready"})
PUBLIC_PREFIXES: Final = ("/static/",)
_PROBES: Final = frozenset({"/health/live", "/health/ready"})  # a flood must not make us look dead

_WRONG_KEY: Final = {k: f'{v}, error="invalid_token"' for k, v in CHALLENGE.items()}


class _RefusedError(Exception):
    def __init__(
        self,
        status: int,
        detail: str,
        headers: dict[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.retry_after_s = retry_after_s


class Admission:
    """Middleware that lets a request reach the paths, with its principal, or refuses it.

    What is not listed as public needs somebody who is known, also where a path forgot to say so;
    which scopes somebody needs is the paths' own business (`requires`).

    Parameters:
        app: the paths.
        book: of keys.
        limits: of rates and streams.
        slots: for event streams.
        bound_to_loopback: whether only this machine reaches the server.
        friends: foreign origins whose pages may ask.
        public: paths that need no key, beside the built-in ones.
        is_stream: tells the paths that are event streams.
        log: told where the file of keys is unusable.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        book: KeyBook,
        limits: Limits,
        slots: StreamSlots,
        bound_to_loopback: bool,
        friends: frozenset[str],
        public: frozenset[str],
        is_stream: Callable[[str], bool],
        log: Log,
    ) -> None:
        self._app = app
        self._book = book
        self._limits = limits
        self._slots = slots
        self._bound_to_loopback = bound_to_loopback
        self._friends = friends
        self._public = PUBLIC_PATHS | public
        self._is_stream = is_stream
        self._log = log
        self._reads = Buckets(limits.reads, limits.buckets)
        self._submissions = Buckets(limits.submissions, limits.buckets)
        self._failures = Buckets(limits.failures, limits.buckets)

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Admit a request, or answer why not."""
        if connection["type"] == "lifespan":
            await self._app(connection, receive, send)
            return
        if connection["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # no path speaks them
            return
        try:
            principal = self._judge(connection)
            if principal is None or not self._is_stream(connection["path"]):
                await self._app(connection, receive, send)
                return
            with self._slots.slot(principal):
                await self._app(connection, receive, send)
        except NoSlotError as error:
            status, detail = error.args
            wait_s = self._limits.stream_retry_s
            answer = refusal(connection, status, detail, retry_after_s=wait_s)
            await answer(connection, receive, send)
        except _RefusedError as error:
            answer = refusal(
                connection,
                error.status,
                error.detail,
                headers=error.headers,
                retry_after_s=error.retry_after_s,
            )
            await answer(connection, receive, send)

    def _judge(self, connection: Connection) -> Principal | None:
        """Return who asks, None where nobody has to be known.

        Raises:
            _RefusedError: the request is not to reach the paths.
        """
        headers = headers_of(connection)
        path, method = connection["path"], connection["method"]
        address = network(peer(connection))
        principal = self._principal(connection, headers, address)
        if principal is not None:
            admit(connection, principal)
        who = address if principal is None or principal.via == "loopback" else principal.id
        if path not in _PROBES and not self._is_stream(path):
            # Streams are bounded by their slots, and a refused one costs no more than a read.
            self._count(who, method)
        if method not in SAFE_METHODS and is_foreign(connection, headers, self._friends):
            raise _RefusedError(403, "a page of another origin must not change anything here")
        if principal is None:
            if path in self._public or path.startswith(PUBLIC_PREFIXES):
                return None
            raise _RefusedError(401, self._why_nobody(headers), CHALLENGE)
        if principal.via == "loopback" and is_across_sites(headers):
            origin = headers.get(b"origin", b"").decode("latin-1").lower()
            if origin not in self._friends:
                raise _RefusedError(403, "a page of another site must not ask in your name")
        return principal

    def _principal(
        self, connection: Connection, headers: dict[bytes, bytes], address: str
    ) -> Principal | None:
        bearer, other = headers.get(b"authorization"), headers.get(b"x-api-key")
        if bearer is None and other is None:
            ours = (
                self._bound_to_loopback
                and is_loopback(peer(connection))
                and names_this_machine(headers)
                and not is_passed_on(headers)
            )
            return LOOPBACK if ours else None
        try:
            return self._book.principal(_key_text(bearer, other))
        except DataError as error:
            self._log.error("keys unusable", reason=str(error))
            raise _RefusedError(
                503, "the keys cannot be checked now", retry_after_s=self._limits.stream_retry_s
            ) from error
        except KeyRefusedError as error:
            # Only wrong keys are counted: a valid one opens from an address that others flood.
            wait_s = self._failures.take(address)
            if wait_s:
                raise _RefusedError(
                    429, "too many wrong keys from your address", retry_after_s=wait_s
                ) from error
            raise _RefusedError(401, str(error), _WRONG_KEY) from error

    def _count(self, who: str, method: str) -> None:
        reads = method in SAFE_METHODS
        wait_s = (self._reads if reads else self._submissions).take(who)
        if wait_s:
            rate = self._limits.reads if reads else self._limits.submissions
            what = "reads" if reads else "submissions"
            raise _RefusedError(
                429, f"more than {rate.per_s:g} {what} a second", retry_after_s=wait_s
            )

    def _why_nobody(self, headers: dict[bytes, bytes]) -> str:
        if self._bound_to_loopback and not names_this_machine(headers):
            return "a key is needed, or a Host header that is localhost, 127.0.0.1 or [::1]"
        return "a key is needed: Authorization: Bearer dt_<id>_<secret>"


def _key_text(bearer: bytes | None, other: bytes | None) -> str:
    if bearer is not None and other is not None:
        raise KeyRefusedError("a key is sent once, in Authorization or in X-API-Key")
    if bearer is None:
        return (other or b"").decode("latin-1").strip()
    scheme, _, text = bearer.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise KeyRefusedError("what was sent is no key: expected Bearer dt_<id>_<secret>")
    return text.strip()
