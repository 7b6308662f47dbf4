"""The re-stacker: a fold of the log that decides at epochs. A function of events and nothing else.

    CaseArrived, VerdictIssued, CaseRejected, CaseClosed, FeedbackReceived ─▶ note
    EpochReached ─▶ note ─▶ ready? ─▶ decide ─▶ DriftReported, StackPromoted or StackRejected

Events of one epoch may be noted in any order: at an epoch all that was received before it is
sorted first. So whoever reads the same log decides the same, and a re-stacker that was killed
and reads the log again from its beginning goes on as if nothing had happened.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from twin.drift.plan import DriftPlan
from twin.errors import InvariantError
from twin.events import (
    CaseArrived,
    DriftReported,
    EpochReached,
    LoggedEvent,
    StackEvent,
    StackPromoted,
    StackRejected,
    VerdictIssued,
)
from twin.reference import Reference
from twin.restacking.decisions import Decider, Decision, Judge
from twin.restacking.evidence import Evidence
from twin.restacking.gate import judge as the_gate
from twin.restacking.ledger import Ledger
from twin.restacking.lineage import Lineage, first_version
from twin.restacking.plan import RestackPlan
from twin.stacks import StackVersion

_WINDOW_MIN: Final = 28 * 1440.0  # of labels that drift is told, where nothing is re-stacked


class Watcher(Protocol):
    """What watches for drift; see twin/drift/monitor.py."""

    def report(
        self,
        epoch: EpochReached,
        cases: Sequence[tuple[CaseArrived, VerdictIssued]],
        labelled: Evidence,
        in_force: StackVersion,
    ) -> DriftReported:
        """Return how far things have moved; called once for each epoch, in order."""
        ...


class Restacker:
    """Decides at each epoch which stack is in force from then on.

    Parameters:
        base: version 0, as the model has it, with the scenario's operating point.
        reference: what the training images looked like.
        model_id: whose stack it is.
        plan: of re-stacking; None where only drift is watched.
        drift: of watching; None where nothing is.
        judge: the gate.
        watcher: what watches; None for `twin.drift.monitor.Monitor`.
    """

    def __init__(
        self,
        base: StackVersion,
        reference: Reference,
        model_id: str,
        plan: RestackPlan | None,
        drift: DriftPlan | None,
        *,
        judge: Judge = the_gate,
        watcher: Watcher | None = None,
    ) -> None:
        self._first = first_version(base, reference, model_id)
        self._lineage = Lineage(self._first, base)
        self._ledger = Ledger(base.meta.learners, reference.sketch.shape[1])
        self._decider = Decider(base, reference, model_id, plan, judge) if plan else None
        self._window_min = plan.window_min if plan else _WINDOW_MIN
        self._watcher = watcher
        if drift is None:
            self._watcher = None
        elif watcher is None:
            from twin.drift.monitor import Monitor

            self._watcher = Monitor(drift, reference, base)
        self._next = 1  # the first epoch that is not behind us
        self._last_min = 0.0  # when the epoch before it was
        self._epochs: dict[int, EpochReached] = {}
        # What the log already holds of epochs that are not behind us.
        self._reported: dict[int, DriftReported] = {}
        self._decided: dict[int, Decision] = {}

    @property
    def in_force(self) -> StackVersion:
        """The stack that answers cases from the last epoch on."""
        return self._lineage.in_force

    def begin(self) -> StackPromoted:
        """Return version 0 as an event, so that the log alone tells all versions."""
        return self._first

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
            case _:
                self._ledger.note(event)

    def ready(self) -> EpochReached | None:
        """Return the first epoch that is undecided and of which all events are here."""
        while (epoch := self._epochs.get(self._next)) is not None and self._is_whole(epoch):
            if not self._missing(epoch):
                self._passed(epoch)
                continue
            return epoch
        return None

    def decide(self, epoch: EpochReached) -> list[StackEvent]:
        """Return what is to be published for an epoch; only events before it matter.

        Raises:
            InvariantError: it is not this epoch's turn, or some of its events are not here.
        """
        if self.ready() != epoch:
            raise InvariantError(f"epoch {epoch.epoch} is not ready to be decided")
        missing = self._missing(epoch)
        return [event for event in self._passed(epoch) if type(event) in missing]

    def _is_whole(self, epoch: EpochReached) -> bool:
        """Return whether all that happened before an epoch is here."""
        answered, received, closed = self._ledger.counts(epoch.at_min)
        return answered >= epoch.cases and received >= epoch.feedback and closed >= epoch.closed

    def _missing(self, epoch: EpochReached) -> set[type]:
        """Return the kinds of events that the log lacks for an epoch."""
        missing: set[type] = set()
        if self._watcher is not None and epoch.epoch not in self._reported:
            missing.add(DriftReported)
        if self._decider is not None and epoch.epoch not in self._decided:
            missing |= {StackPromoted, StackRejected}
        return missing

    def _passed(self, epoch: EpochReached) -> list[StackEvent]:
        """Put an epoch behind us; return its events, those of the log where it has them.

        Detectors have a memory: they are led through decided epochs, too.
        """
        found: list[StackEvent] = []
        if self._watcher is not None:
            report = self._watched(self._watcher, epoch)
            found.append(self._reported.pop(epoch.epoch, report))
        if self._decider is not None:
            decision = self._decided.pop(epoch.epoch, None) or self._decider.decide(
                epoch, self._last_min, self._ledger, self._lineage
            )
            if isinstance(decision, StackPromoted):
                self._lineage.add(decision)
            found.append(decision)
        self._next, self._last_min = self._next + 1, epoch.at_min
        return found

    def _watched(self, watcher: Watcher, epoch: EpochReached) -> DriftReported:
        cases = [
            (case.arrived, case.verdict)
            for case in self._ledger.cases(self._last_min, epoch.at_min)
        ]
        from_min = max(0.0, epoch.at_min - self._window_min)
        labelled = self._ledger.evidence(from_min, epoch.at_min)
        return watcher.report(epoch, cases, labelled, self._lineage.in_force)
