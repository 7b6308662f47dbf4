"""The mirror without a server: for tests, and for whoever wants to see how it works."""

import copy
import threading
from collections.abc import Collection, Sequence

from services.bus.port import Place
from services.mirror.freshness import Freshness
from twin.state import Dispute, Record, TwinState


class MemoryMirror:
    """See `services.mirror.port.StateMirror`: the fold itself. May be read by other threads."""

    def __init__(self) -> None:
        self._state = TwinState()
        self._whole = threading.Lock()  # nobody reads half a batch
        self.fresh = Freshness()
        self.disputes: Sequence[Dispute] = ()

    def apply(self, records: Sequence[Record], fresh: Freshness | None = None) -> int:
        """Fold a batch in; return how many records changed a case or a component."""
        with self._whole:
            self.fresh = fresh or self.fresh
            changes = sum([self._state.apply(record) for record in records])
            found = [self._state.dispute(record) for record in records]
        self.disputes = [one for one in found if one is not None]
        return changes

    def arrived(self, case_ids: Collection[str]) -> set[str]:
        """Return those of some cases that have arrived."""
        cases = self._state.cases
        return {one for one in case_ids if one in cases and cases[one].arrived is not None}

    def position(self) -> dict[Place, int]:
        """Return the last offset folded, per partition."""
        with self._whole:
            return dict(self._state.position)

    def stale(self) -> None:
        """Return at once: no other version wrote what is in this process."""

    def read_back(self) -> TwinState:
        """Return a copy of the state."""
        with self._whole:
            return copy.deepcopy(self._state)

    def wipe(self) -> None:
        """Forget everything."""
        self._state = TwinState()
