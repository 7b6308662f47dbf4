"""Connections that never say what they want, and how many there can be."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Assumptions: a head takes one round trip and a few hundred bytes.
HEAD_S: Final = 10.0
HEAD_BYTES: Final = 65_536


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits for the head of a request.

    Without, whoever opens connections and says nothing, or sends a header without an end, holds
    them and our memory for as long as he likes: the limits of rates and bodies begin at a request.
    """

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of the head."""
        super().on_message_begin()
        if self._timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Stop waiting: what is slow now is the body, or we are."""
        self._stop()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, and count what belongs to a head."""
        super().data_received(data)
        if self._timer is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._stop()
            self.send_400_response(f"the head of a request has {HEAD_BYTES} bytes at most")

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._timer = self.loop.call_later(HEAD_S, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.send_400_response(f"no request after {HEAD_S:g} s")


SERVER_OPTIONS: Final[dict[str, Any]] = {
    "http": PatientProtocol,
    "server_header": False,  # who attacks shall find out by himself what we run
    # Whoever is behind a proxy on this machine must not count as this machine, and nobody may
    # choose the address that rates are kept by.
    "proxy_headers": False,
    "access_log": False,  # ours has ids
    "ws": "none",
}
"""What `uvicorn.Config` is to be told beside addresses."""


def allow_connections() -> int:
    """Let this process have as many open files as it may, and return how many that are.

    Where the usual 1,024 are gone, nobody can connect, not even to see how the twin is.
    """
    import resource  # not on Windows, where the twin's servers do not run either

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
