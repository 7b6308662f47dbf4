"""One JSON line for each request."""

from typing import Final

from services.api.security.envelope import Exchange
from services.logs import Log

# Asked every few seconds by machines: their lines would bury the others.
_QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
_LONGEST: Final = 300  # characters of a path; a case id has 200 at most


class AccessLog:
    """Writes the exchanges to a log. No query strings and no headers: they may hold secrets."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __call__(self, exchange: Exchange) -> None:
        """Write an exchange; what was only read at the level debug, unless it failed."""
        quiet = exchange.status < 400 and (exchange.method == "GET" or exchange.path in _QUIET)
        fields: dict[str, object] = {
            "request_id": exchange.request_id,
            "method": exchange.method,
            "path": exchange.path[:_LONGEST],
            "status": exchange.status,
            "duration_ms": round(exchange.duration_ms, 3),
            "principal": exchange.principal,
        }
        if exchange.about is not None and exchange.path.startswith("/v1/cases"):
            fields["case_id"] = exchange.about[:_LONGEST]
        (self._log.debug if quiet else self._log.info)("request", **fields)
