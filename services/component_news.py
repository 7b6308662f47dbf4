"""What components have told of themselves, as it is on the log."""

import threading
from collections.abc import Callable
from typing import Final

from services.bus.codec import decode
from services.bus.port import Subscriber
from twin.errors import DependencyError, EventError
from twin.events import ComponentChanged

_MOST_NEWS: Final = 500


class ComponentNews:
    """Keeps the latest word of each component. May be used by several threads.

    Parameters:
        subscribe: makes a subscriber to the topic of components, from its beginning.
    """

    def __init__(self, subscribe: Callable[[], Subscriber]) -> None:
        self._subscribe = subscribe
        self._subscriber: Subscriber | None = None
        self._hearing = threading.Lock()
        self.latest: dict[str, ComponentChanged] = {}  # by component

    def hear(self) -> None:
        """Take in what was told since; nothing where the broker is away, or a thread is at it."""
        if not self._hearing.acquire(blocking=False):
            return  # a subscriber belongs to one thread at a time
        try:
            self._take_in()
        except DependencyError:
            return  # workers say so, and what was heard is still the last
        finally:
            self._hearing.release()

    def _take_in(self) -> None:
        if self._subscriber is None:
            self._subscriber = self._subscribe()
        while messages := self._subscriber.poll(_MOST_NEWS, 0.0):
            for message in messages:
                try:
                    event = decode(message.schema, message.value)
                except EventError:
                    continue  # the mirror counts it
                if isinstance(event, ComponentChanged):
                    self.latest[event.component] = event
