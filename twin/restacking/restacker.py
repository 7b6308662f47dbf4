"""The re-stacker: a fold of the log that decides at epochs. A function of events and nothing else.

    CaseArrived, VerdictIssued, CaseRejected, CaseClosed, FeedbackReceived ─▶ note
    EpochReached ─▶ note ─▶ ready? ─▶ decide ─▶ DriftReported, StackPromoted or StackRejected

Events of one epoch may be noted in any order: at an epoch all that was received before it is
sorted first. So whoever reads the same log decides the same, and a re-stacker that was killed
and reads the log again from its beginning goes on as if nothing had happened.
"""

from twin.drift.plan import DriftPlan
from twin.events import EpochReached, LoggedEvent, StackEvent, StackPromoted
from twin.reference import Reference
from twin.restacking.plan import RestackPlan
from twin.stacks import StackVersion


class Restacker:
    """Decides at each epoch which stack is in force from then on.

    Parameters:
        base: version 0, as the model has it, with the scenario's operating point.
        reference: what the training images looked like.
        model_id: whose stack it is.
        plan: of re-stacking; None where only drift is watched.
        drift: of watching; None where nothing is.
    """

    def __init__(
        self,
        base: StackVersion,
        reference: Reference,
        model_id: str,
        plan: RestackPlan | None,
        drift: DriftPlan | None,
    ) -> None:
        self.base, self.reference, self.model_id = base, reference, model_id
        self.plan, self.drift = plan, drift

    def begin(self) -> StackPromoted:
        """Return version 0 as an event, so that the log alone tells all versions."""
        raise NotImplementedError

    def note(self, event: LoggedEvent) -> None:
        """Take an event of the log in; one that was noted before changes nothing.

        Decisions that are on the log already are taken over and not made again.
        """
        raise NotImplementedError

    def ready(self) -> EpochReached | None:
        """Return the first epoch that is undecided and of which all events are here."""
        raise NotImplementedError

    def decide(self, epoch: EpochReached) -> list[StackEvent]:
        """Return what is to be published for an epoch; only events before it matter."""
        raise NotImplementedError
