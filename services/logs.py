"""Structured logs: an event name and fields, one JSON object a line.

A line that cannot be written, as on a full disk, is lost: nobody stops work for want of a log.

Context is bound once (`log.bind(stage=..., model_id=...)`). Image content never enters a log.
"""

from typing import TextIO, cast

import structlog

Log = structlog.typing.FilteringBoundLogger


class Lossy:
    """Writes to a stream, and counts what it does not take."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0

    def write(self, text: str) -> int:
        """Write, or lose it."""
        try:
            return self._stream.write(text)
        except OSError:
            self.lost += 1
            return len(text)

    def flush(self) -> None:
        """Hand on what was written, or keep it for the next time."""
        try:
            self._stream.flush()
        except OSError:
            self.lost += 1


def open_log(stream: TextIO) -> Log:
    """Return a logger that writes to `stream`, as long as that can be written to."""
    return structlog.wrap_logger(  # type: ignore[no-any-return]  # structlog returns Any here
        structlog.PrintLogger(cast(TextIO, Lossy(stream))),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),  # INFO and above
    )
