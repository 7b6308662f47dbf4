"""How long to put up with a server that is busy or out of reach."""

import email.utils
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar

from twin.errors import DependencyError

_Result = TypeVar("_Result")
_NOTICED_S: Final = 4.0  # assumption
_LONGEST_S: Final = 300.0  # assumption: a server that asks for more than five minutes gets these


class TransientError(Exception):
    """Trying again may help. Arguments: reason, seconds that the server asked for or None."""

    def __str__(self) -> str:
        return str(self.args[0])


class StoppedError(Exception):
    """The user wants no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """When to try again, and when to give up.

    The defaults are an assumption: a minute or so bridges a restart of a server.
    """

    tries: int = 7
    first_s: float = 1.0  # before the second try; each wait is twice the one before
    most_s: float = 30.0
    tell: Callable[[str], None] = lambda _: None  # is told of waits that people would notice
    stop: threading.Event = field(default_factory=threading.Event)  # set to give up at once

    def tried(self, what: str, act: Callable[[], _Result]) -> _Result:
        """Do something until it succeeds.

        Parameters:
            what: names it in messages.
            act: raises TransientError where trying again may help.

        Raises:
            DependencyError: it failed as often as we try.
            StoppedError: the user wants no more.
        """
        wait_s = self.first_s
        for left in reversed(range(self.tries)):
            self.check()
            try:
                return act()
            except TransientError as error:
                reason, asked_s = error.args
                if not left:
                    raise DependencyError(f"{what}: {reason} ({self.tries} tries)") from error
                pause_s = wait_s if asked_s is None else min(asked_s, _LONGEST_S)
                wait_s = min(2 * wait_s, self.most_s)
            if pause_s >= _NOTICED_S:
                self.tell(f"{what}: {reason}; trying again in {pause_s:g} s")
            self.stop.wait(pause_s)
        raise AssertionError("a loop of at least one try returns or raises")

    def check(self) -> None:
        """Raise StoppedError if the user wants no more."""
        if self.stop.is_set():
            raise StoppedError


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for; RFC 9110, 10.2.3.

    >>> retry_after_s("7"), retry_after_s("soon"), retry_after_s(None)
    (7.0, None, None)
    """
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        when = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())
