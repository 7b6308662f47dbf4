"""Structured logs: an event name and fields, one JSON object a line.

Context is bound once (`log.bind(stage=..., model_id=...)`). Image content never enters a log.
"""

from typing import TextIO

import structlog

Log = structlog.typing.FilteringBoundLogger


def open_log(stream: TextIO) -> Log:
    """Return a logger that writes to `stream`."""
    return structlog.wrap_logger(  # type: ignore[no-any-return]  # structlog returns Any here
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),  # INFO and above
    )
