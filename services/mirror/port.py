"""What the mirror's loop asks of a store."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.bus.port import Place
from services.mirror.freshness import Freshness
from twin.state import Dispute, Record, TwinState


class StateMirror(Protocol):
    """Somewhere to keep the folded state, with the position that it was folded up to.

    Attributes:
        disputes: what the last batch had that contradicts the record, or whose case is not there;
            also of what was folded before.
    """

    disputes: Sequence[Dispute]

    def apply(self, records: Sequence[Record], fresh: Freshness | None = None) -> int:
        """Fold a batch in, whole or not at all; return how many records changed something.

        An empty batch only renews the time of the last update.

        Parameters:
            fresh: what is known of completeness once the batch is folded; None: nothing new.

        Raises:
            DependencyError: the store failed; applying the same batch again is safe.
        """
        ...

    def arrived(self, case_ids: Collection[str]) -> set[str]:
        """Return those of some cases that have arrived."""
        ...

    def position(self) -> dict[Place, int]:
        """Return the last offset folded, per partition."""
        ...

    def stale(self) -> str | None:
        """Return in words why what is stored is to be made again; None where it is well.

        Raises:
            DependencyError: it must not be: a later version of the program wrote it.
        """
        ...

    def read_back(self) -> TwinState:
        """Return the whole state as the store has it."""
        ...

    def wipe(self) -> None:
        """Forget everything."""
        ...
