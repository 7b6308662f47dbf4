"""The re-stacker: a fold of the log that decides at epochs. A function of events and nothing else.

    CaseArrived, VerdictIssued, CaseRejected, CaseClosed, FeedbackReceived ─▶ note
    EpochReached ─▶ note ─▶ ready? ─▶ decide ─▶ DriftReported, StackPromoted or StackRejected

Events of one epoch may be noted in any order: at an epoch only what came before it counts, sorted.
So whoever reads the same log decides the same, and a re-stacker that was killed and reads the log
again from its beginning goes on as if nothing had happened.
"""

from collections.abc import Callable

from twin.errors import InvariantError
from twin.events import (
    DriftReported,
    EpochReached,
    LoggedEvent,
    StackEvent,
    StackOrdered,
    StackPromoted,
    StackRejected,
)
from twin.reference import Reference
from twin.restacking.decision import Decision, Judge, announced, decided, rolled_back, stays
from twin.restacking.gate import judge as gate_judge
from twin.restacking.ledger import Ledger
from twin.restacking.orders import ROLLBACK, Orders
from twin.restacking.plan import RestackPlan
from twin.restacking.regret import regretted
from twin.restacking.versions import Versions
from twin.stacks import StackVersion

Watch = Callable[[EpochReached, Ledger, StackVersion], DriftReported]


class Restacker:
    """Decides at each epoch which stack is in force from then on.

    Parameters:
        base: version 0, as the model has it, with the scenario's operating point.
        reference: what the training images looked like.
        model_id: whose stack it is.
        plan: of re-stacking; None where only drift is watched.
        watch: of drift, told every epoch once and in order; None where nothing watches.
        judge: the gate.
    """

    def __init__(
        self,
        base: StackVersion,
        reference: Reference,
        model_id: str,
        plan: RestackPlan | None,
        watch: Watch | None = None,
        *,
        judge: Judge = gate_judge,
    ) -> None:
        self.base, self.reference, self.model_id = base, reference, model_id
        self.plan = plan
        self.ledger = Ledger()
        self._watch, self._judge = watch, judge
        self._versions = Versions(self.begin(), base)
        self._orders = Orders(plan.orders if plan else ())
        self._next = 1  # the first epoch that is not behind us
        self._epochs: dict[int, EpochReached] = {}
        # What the log already says of epochs that are not behind us.
        self._reported: dict[int, DriftReported] = {}
        self._decided: dict[int, Decision] = {}

    def begin(self) -> StackPromoted:
        """Return version 0 as an event, so that the log alone tells all versions."""
        return announced(self.base, self.model_id)

    def note(self, event: LoggedEvent) -> None:
        """Take an event of the log in; one that was noted before changes nothing.

        Decisions that are on the log already are taken over and not made again.
        """
        match event:
            case EpochReached():
                self._epochs.setdefault(event.epoch, event)
            case DriftReported():
                self._reported.setdefault(event.epoch, event)
            case StackPromoted() | StackRejected():
                self._decided.setdefault(event.epoch, event)
            case StackOrdered():
                self._orders.note(event)
            case _:
                self.ledger.note(event)

    def ready(self) -> EpochReached | None:
        """Return the first epoch that is undecided and of which all events are here.

        Epochs that the log has decided are put behind us on the way, in their order.
        """
        while (epoch := self._epochs.get(self._next)) is not None:
            if not self.ledger.complete(epoch):
                return None
            if self._missing(epoch):
                return epoch
            self._passed(epoch)
        return None

    def decide(self, epoch: EpochReached) -> list[StackEvent]:
        """Return what is to be published for an epoch; only events before it matter.

        The decision is taken over at once. What the log has of it already is left out: of a
        re-stacker that was killed between two publications only the second is missing.

        Raises:
            InvariantError: it is not this epoch's turn, or some of its events are not here.
        """
        if self.ready() != epoch:
            raise InvariantError(f"epoch {epoch.epoch} is not ready to be decided")
        missing = self._missing(epoch)
        return [event for event in self._passed(epoch) if isinstance(event, missing)]

    @property
    def in_force(self) -> StackVersion:
        """The stack that answers from the last epoch on that is behind us."""
        return self._versions.in_force

    def _missing(self, epoch: EpochReached) -> tuple[type, ...]:
        """Return the kinds of events that the log lacks for an epoch."""
        missing: list[type] = []
        if self._watch is not None and epoch.epoch not in self._reported:
            missing.append(DriftReported)
        if self.plan is not None and epoch.epoch not in self._decided:
            missing += [StackPromoted, StackRejected]
        return tuple(missing)

    def _passed(self, epoch: EpochReached) -> list[StackEvent]:
        """Put an epoch behind us; return its events, those of the log where it has them.

        Detectors have a memory, so they are led through epochs that were decided before, too.
        """
        found: list[StackEvent] = []
        if self._watch is not None:
            report = self._watch(epoch, self.ledger, self.in_force)
            found.append(self._reported.pop(epoch.epoch, report))
        if self.plan is not None:
            decision = self._decided.pop(epoch.epoch, None) or self._decision(self.plan, epoch)
            if isinstance(decision, StackPromoted):
                self._versions.add(decision)
            self._orders.passed(epoch, decision, self._versions.origin)
            found.append(decision)
        self._next += 1
        return found

    def _decision(self, plan: RestackPlan, epoch: EpochReached) -> Decision:
        order = self._orders.due(epoch)
        if order is not None:
            if self._versions.origin(order.version) is None:
                reason = f"{order.words}; there is no such version"
                return stays(epoch, self.in_force.number, "rejected", reason, how=ROLLBACK)
            return self._back(epoch, order.version, order.words)
        latest = self._versions.latest
        if plan.rollback and latest.parent is not None and latest.how != ROLLBACK:
            reason = regretted(
                self.ledger,
                self._versions.stack(latest.parent),
                self.in_force,
                epoch.at_min,
                plan.gate,
                epoch.epoch - latest.epoch,
            )
            if reason:
                return self._back(epoch, latest.parent, reason)
        return decided(
            epoch,
            plan,
            self.ledger,
            champion=self.in_force,
            base=self.base,
            version_at=self._versions.at,
            reference=self.reference,
            judge=self._judge,
            model_id=self.model_id,
            version=len(self._versions),
            since_min=self._versions.rolled_back_min,
        )

    def _back(self, epoch: EpochReached, number: int, reason: str) -> StackPromoted:
        origin = self._versions.origin(number)
        if origin is None:
            raise InvariantError(f"stack {number} is to come back, and there is none")
        return rolled_back(
            epoch,
            self._versions.stack(origin),
            self.in_force.number,
            reason,
            model_id=self.model_id,
            version=len(self._versions),
        )
