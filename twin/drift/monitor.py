"""The watch over drift: what each epoch's report says, as a function of the log alone.

    cases and labels since the last epoch ─▶ streams ─▶ river's detectors ─▶ alarms ┐
    the latest cases beside the run's first ones ─▶ Hotelling's T² ─────────────────┼▶ DriftReported
    the latest cases ─▶ performance without labels ─────────────────────────────────┘

Detectors have a memory. A watch is led through all epochs from the first on, each once; one that
was killed is begun anew and led through the same log, and says the same.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.drift.columns import columns_of
from twin.drift.detectors import Watcher
from twin.drift.label_free import LabelFree
from twin.drift.plan import DriftPlan
from twin.drift.streams import Stream, Streams
from twin.drift.two_windows import TwoWindows
from twin.errors import InvariantError
from twin.events import DriftReported, DriftSignal, EpochReached, Estimate
from twin.reference import Reference
from twin.restacking.ledger import Ledger, evidence_of
from twin.restacking.restacker import Watch
from twin.stacks import StackVersion

_DECIMALS: Final = 6  # of what goes to the log
_LABELS_MIN: Final = 28 * 1440.0  # whose labels the estimate is held against: assumption


def watch_of(plan: DriftPlan, reference: Reference, base: StackVersion) -> Watch:
    """Return a watch with an empty memory.

    Parameters:
        plan: which detectors, and how many cases a window has.
        reference: what the training images looked like.
        base: version 0 of the stack.
    """
    return _Monitor(plan, reference, base)


class _Monitor:
    def __init__(self, plan: DriftPlan, reference: Reference, base: StackVersion) -> None:
        self._plan, self._reference = plan, reference
        self._streams = Streams(reference, base)
        self._watchers: dict[tuple[str, str], Watcher] = {}  # by detector and stream
        self._windows = TwoWindows(plan.window_cases)
        self._latest = columns_of((), self._streams.learners, self._streams.width)
        self._last_epoch, self._last_min = 0, -np.inf
        self._estimator: tuple[tuple[int, tuple[bool, ...]], LabelFree] | None = None

    def __call__(
        self, epoch: EpochReached, ledger: Ledger, in_force: StackVersion
    ) -> DriftReported:
        """Return the report of an epoch.

        Parameters:
            epoch: the one that follows the last.
            ledger: complete up to the epoch.
            in_force: the stack that answered before it; its performance is estimated.

        Raises:
            InvariantError: another epoch's turn, or a verdict's sketch has another width.
        """
        if epoch.epoch != self._last_epoch + 1:
            raise InvariantError(f"epoch {epoch.epoch} follows epoch {self._last_epoch}")
        answered = ledger.answered(self._last_min, epoch.at_min)
        labelled = ledger.labelled(self._last_min, epoch.at_min)
        self._last_epoch, self._last_min = epoch.epoch, epoch.at_min
        cases = columns_of(answered, self._streams.learners, self._streams.width)
        self._latest = self._latest.then(cases).rows(slice(-self._plan.window_cases, None))
        signals = [
            signal
            for stream in (*self._streams.of_cases(cases), self._streams.of_labels(labelled))
            if len(stream.values)
            for signal in self._watched(stream)
        ]
        test = self._windows.signal(cases, epoch.at_min)
        return DriftReported(
            at_min=epoch.at_min,
            epoch=epoch.epoch,
            cases=len(cases),
            signals=(*signals, *(() if test is None else (test,))),
            estimates=self._estimates(epoch, ledger, in_force),
        )

    def _watched(self, stream: Stream) -> list[DriftSignal]:
        mean = round(float(stream.values.sum()) / len(stream.values), _DECIMALS) + 0.0
        found = []
        for name in self._plan.detectors:
            key = (name, stream.name)
            if key not in self._watchers:
                self._watchers[key] = Watcher(name)
            alarms = self._watchers[key].alarms(stream)
            found.append(DriftSignal(detector=name, stream=stream.name, alarms=alarms, value=mean))
        return found

    def _estimates(
        self, epoch: EpochReached, ledger: Ledger, in_force: StackVersion
    ) -> tuple[Estimate, ...]:
        """Return the performance of the stack in force on the latest cases.

        Of a window in which learners came or went, those cases that have the same learners as
        the last one.
        """
        there = ~np.isnan(self._latest.log_odds)
        if not len(there):
            there = np.ones((1, len(self._streams.learners)), np.bool_)
        alike = (there == there[-1]).all(axis=1)
        window = self._latest.rows(alike[: len(self._latest)])
        estimator = self._label_free(in_force, there[-1])
        from_min = max(in_force.from_min, epoch.at_min - _LABELS_MIN)
        learners = self._streams.learners
        names = {name for name, here in zip(learners, there[-1], strict=True) if here}
        cases = [
            case
            for case in ledger.cases(from_min, epoch.at_min)
            if case.verdict.stack == in_force.number and set(case.verdict.log_odds) == names
        ]
        answered = [(case.arrived, case.verdict) for case in cases]
        contradiction = estimator.contradicted(
            columns_of(answered, learners, self._streams.width), evidence_of(cases, learners)
        )
        return estimator.estimate(window, epoch.epoch, self._plan.confidence, contradiction)

    def _label_free(self, in_force: StackVersion, there: NDArray[np.bool_]) -> LabelFree:
        key = (in_force.number, tuple(there.tolist()))
        if self._estimator is None or self._estimator[0] != key:
            self._estimator = key, LabelFree(self._reference, in_force, there)
        return self._estimator[1]
