"""Notes when the twin's answers are seen: they are taken from the log, as any client would."""

import threading
import time
from collections.abc import Callable
from typing import Final

from services.bus.port import Subscriber
from services.stress.book import Book
from twin.errors import DependencyError
from twin.events import CaseRejected, VerdictIssued

_MOST: Final = 2000
_POLL_S: Final = 0.05
_AGAIN_S: Final = 0.2
# A broker that was cut off or started again comes back by then: assumption.
PATIENCE_S: Final = 120.0
_VERDICT: Final = f"{VerdictIssued.__name__}/"
_REJECTION: Final = f"{CaseRejected.__name__}/"


def listening(
    subscriber: Subscriber, book: Book, clock: Callable[[], float] = time.monotonic
) -> Callable[[threading.Event], None]:
    """Return a loop that notes answers in the book.

    Of an answer only key and schema are read: which case, and whether it was scored.

    Raises, from the loop:
        DependencyError: the log could not be read for `PATIENCE_S`.
    """

    def loop(stop: threading.Event) -> None:
        heard_s = time.monotonic()
        while not stop.is_set():
            try:
                messages = subscriber.poll(_MOST, _POLL_S)
            except DependencyError:
                if time.monotonic() - heard_s > PATIENCE_S:
                    raise
                stop.wait(_AGAIN_S)
                continue
            heard_s = time.monotonic()
            seen_s = clock()
            for message in messages:
                rejected = message.schema.startswith(_REJECTION)
                if not (rejected or message.schema.startswith(_VERDICT)):
                    continue
                number = book.number(message.key)
                if number is not None:
                    book.answer(number, seen_s, rejected=rejected)

    return loop
