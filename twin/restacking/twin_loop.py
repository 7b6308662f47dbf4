"""What a twin needs to know of the loop before a run: version 0, plans, and who will be out."""

from dataclasses import dataclass

from twin.drift.plan import DriftPlan
from twin.errors import InvariantError
from twin.events import DriftReported, StackPromoted, StackRejected
from twin.meta import MetaStack
from twin.reference import Reference
from twin.restacking.plan import RestackPlan
from twin.restacking.restacker import Restacker
from twin.stacks import Outage, StackBook, StackVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinLoop:
    """A scenario's loop with the model that it is about; plain values."""

    model_id: str
    meta: MetaStack  # the stack that the model came with
    threshold: float  # its operating point in this run
    reference: Reference  # what the training images looked like
    restack: RestackPlan | None = None
    drift: DriftPlan | None = None
    outages: tuple[Outage, ...] = ()

    @property
    def base(self) -> StackVersion:
        """Version 0."""
        return StackVersion(number=0, meta=self.meta, threshold=self.threshold)

    @property
    def decides(self) -> bool:
        """Whether anything happens at epochs."""
        return self.restack is not None or self.drift is not None

    @property
    def told_of_an_epoch(self) -> tuple[tuple[type, ...], ...]:
        """What the log has of each epoch that is decided: one event of each of these kinds."""
        drift = () if self.drift is None else ((DriftReported,),)
        stacks = () if self.restack is None else ((StackPromoted, StackRejected),)
        return (*drift, *stacks)

    def book(self) -> StackBook:
        """Return a new stack book."""
        return StackBook(self.base)

    def restacker(self) -> Restacker:
        """Return a new re-stacker that has read nothing.

        Raises:
            InvariantError: nothing happens at epochs.
        """
        if not self.decides:
            raise InvariantError("a re-stacker for a run without re-stacking or drift")
        watch = None
        if self.drift is not None:
            from twin.drift.monitor import watch_of  # for those who watch alone

            watch = watch_of(self.drift, self.reference, self.base)
        return Restacker(self.base, self.reference, self.model_id, self.restack, watch)
