"""Publishing that is seen through: what the log did not take is sent again."""

import threading
import time
from collections import deque
from typing import Final

from services.bus.port import Publisher
from twin.errors import DependencyError
from twin.events import CaseArrived

# A broker that is started again is back by then: assumption.
CONFIRM_TIMEOUT_S: Final = 90.0
RECENT: Final = 1000  # that can be asked for: more than a fault sends again
_AGAIN_S: Final = 0.2


class SurePublisher:
    """Publishes cases, and sends again what was not acknowledged.

    A case may so be on the log twice; the fold counts it once (law 3).
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._lock = threading.Lock()
        self._open: list[CaseArrived] = []  # not acknowledged yet
        self._refused = False  # whether one of them was not even taken
        self._recent: deque[CaseArrived] = deque(maxlen=RECENT)
        self.resent = 0

    def recent(self) -> list[CaseArrived]:
        """Return the cases that were sent last, the latest at the end."""
        with self._lock:
            return list(self._recent)

    def publish(self, event: CaseArrived) -> None:
        """Send a case, without waiting for the acknowledgement."""
        with self._lock:
            self._open.append(event)
            self._recent.append(event)
        try:
            self._publisher.publish(event)
        except DependencyError:
            self._refused = True

    def confirm(self) -> bool:
        """Wait for what was sent; return whether all of it was acknowledged."""
        with self._lock:
            waiting, self._open = self._open, []
            refused, self._refused = self._refused, False
        try:
            self._publisher.flush()
        except DependencyError:
            refused = True
        if not refused:
            return True
        # It is not told which were lost, and one that was sent in the meantime may be among them.
        with self._lock:
            waiting += self._open
            self._open = []
        for event in waiting:
            self.resent += 1
            self.publish(event)
        return False

    def confirm_all(self, timeout_s: float = CONFIRM_TIMEOUT_S) -> None:
        """Wait until everything is acknowledged.

        Raises:
            DependencyError: it was not within the time.
        """
        deadline_s = time.monotonic() + timeout_s
        while not self.confirm():
            if time.monotonic() > deadline_s:
                raise DependencyError(f"the log has not taken all cases within {timeout_s:g} s")
            time.sleep(_AGAIN_S)
