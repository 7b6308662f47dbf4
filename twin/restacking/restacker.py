"""The re-stacker: a fold of the log that decides at epochs. A function of events and nothing else.

    CaseArrived, VerdictIssued, CaseRejected, CaseClosed, FeedbackReceived ─▶ note
    EpochReached ─▶ note ─▶ ready? ─▶ decide ─▶ DriftReported, StackPromoted or StackRejected

Events of one epoch may be noted in any order: at an epoch only what came before it counts, sorted.
So whoever reads the same log decides the same, and a re-stacker that was killed and reads the log
again from its beginning goes on as if nothing had happened.
"""

from collections.abc import Callable

from twin.events import (
    DriftReported,
    EpochReached,
    LoggedEvent,
    StackEvent,
    StackPromoted,
    StackRejected,
)
from twin.reference import Reference
from twin.restacking.decision import Judge, announced, decided, rolled_back
from twin.restacking.gate import judge as gate_judge
from twin.restacking.ledger import Ledger
from twin.restacking.plan import RestackPlan
from twin.restacking.regret import regretted
from twin.stacks import StackVersion, version_of

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
        self._versions = [base]
        self._parents: list[int | None] = [None]
        self._hows = ["trained"]
        self._epochs: dict[int, EpochReached] = {}
        self._done: dict[int, list[StackEvent]] = {}  # what the log says of an epoch

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
            case StackPromoted() | StackRejected() | DriftReported():
                known = self._done.setdefault(event.epoch, [])
                if event not in known:
                    known.append(event)
                    if isinstance(event, StackPromoted):
                        self._take(event)
            case _:
                self.ledger.note(event)

    def ready(self) -> EpochReached | None:
        """Return the first epoch that is undecided and of which all events are here."""
        for number in sorted(self._epochs):
            if not self._is_decided(number):
                epoch = self._epochs[number]
                return epoch if self.ledger.complete(epoch) else None
        return None

    def decide(self, epoch: EpochReached) -> list[StackEvent]:
        """Return what is to be published for an epoch; only events before it matter.

        The decision is taken over at once. What the log has of it already is left out: of a
        re-stacker that was killed between two publications only the second is missing.
        """
        known = self._done.get(epoch.epoch, [])
        found: list[StackEvent] = []
        if self._watch is not None:
            report = self._watch(epoch, self.ledger, self._in_force_before(epoch))
            if not any(isinstance(event, DriftReported) for event in known):
                found.append(report)
        if self.plan is not None:
            found.append(self._decision(self.plan, epoch))
        for event in found:
            self.note(event)
        return found

    @property
    def in_force(self) -> StackVersion:
        """The stack that answers from the last decision on."""
        return self._versions[-1]

    def _decision(self, plan: RestackPlan, epoch: EpochReached) -> StackPromoted | StackRejected:
        champion = self.in_force
        model_id, version = self.model_id, len(self._versions)

        def back(number: int, reason: str) -> StackPromoted:
            earlier = self._versions[number]
            return rolled_back(
                epoch, earlier, champion.number, reason, model_id=model_id, version=version
            )

        due = [
            order.version
            for order in plan.orders
            if epoch.at_min - plan.every_min < order.at_min <= epoch.at_min
            and order.version < len(self._versions)
        ]
        if due:
            return back(due[-1], f"version {due[-1]} was ordered back")
        parent = self._parents[-1]
        if plan.rollback and parent is not None and self._hows[-1] != "rollback":
            reason = regretted(
                self.ledger, self._versions[parent], champion, epoch.at_min, plan.gate
            )
            if reason:
                return back(parent, reason)
        return decided(
            epoch,
            plan,
            self.ledger,
            champion=champion,
            base=self.base,
            reference=self.reference,
            judge=self._judge,
            model_id=model_id,
            version=version,
        )

    def _take(self, event: StackPromoted) -> None:
        if event.version == len(self._versions):
            self._versions.append(version_of(event))
            self._parents.append(event.parent)
            self._hows.append(event.how)

    def _is_decided(self, number: int) -> bool:
        known = self._done.get(number, [])
        stack = any(isinstance(event, StackPromoted | StackRejected) for event in known)
        report = any(isinstance(event, DriftReported) for event in known)
        return (stack or self.plan is None) and (report or self._watch is None)

    def _in_force_before(self, epoch: EpochReached) -> StackVersion:
        started = [one for one in self._versions if one.from_min < epoch.at_min]
        return started[-1] if started else self.base
