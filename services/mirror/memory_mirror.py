"""The mirror without a server: for tests, and for whoever wants to see how it works."""

import copy
from collections.abc import Sequence

from services.bus.port import Place
from services.mirror.freshness import Freshness
from twin.state import Record, TwinState


class MemoryMirror:
    """See `services.mirror.loop.StateMirror`: the fold itself."""

    def __init__(self) -> None:
        self._state = TwinState()
        self.fresh = Freshness()

    def apply(self, records: Sequence[Record], fresh: Freshness | None = None) -> int:
        """Fold a batch in; return how many records changed a case or a component."""
        self.fresh = fresh or self.fresh
        return sum([self._state.apply(record) for record in records])

    def position(self) -> dict[Place, int]:
        """Return the last offset folded, per partition."""
        return dict(self._state.position)

    def stale(self) -> None:
        """Return at once: no other version wrote what is in this process."""

    def read_back(self) -> TwinState:
        """Return a copy of the state."""
        return copy.deepcopy(self._state)

    def wipe(self) -> None:
        """Forget everything."""
        self._state = TwinState()
