"""Streams of numbers that detectors watch, in standard deviations of the training images.

Standardised, a detector's thresholds have one meaning for all streams. A clinic has another
prevalence than the training images, so a stream's mean is not zero even without any drift:
detectors compare a stream with its own past and not with zero.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from twin.drift.columns import Columns, Floats, disagreement, log_loss, probability
from twin.labels import CLASSES
from twin.meta import INPUT
from twin.reference import Reference
from twin.restacking.ledger import LedgerCase
from twin.stacks import StackVersion

SCORE: Final = "score."
DISAGREEMENT: Final = "disagreement"
LOSS: Final = "loss"
_BOUND: Final = 4.0  # standard deviations: no single odd image raises an alarm


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """The numbers of one stream since the last epoch, in their order."""

    name: str  # "input.0", "score.svm", "disagreement", "loss"
    at_min: Floats  # (n,) when each one's case arrived; of `loss`, when its label came
    values: Floats  # (n,) standard deviations from the training mean, within ±4


@dataclass(frozen=True, slots=True)
class _Unit:
    mean: float
    sd: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        known = values[~np.isnan(values)]
        sd = float(known.std()) if len(known) else 0.0
        return cls(float(known.mean()) if len(known) else 0.0, sd if sd > 0 else 1.0)

    def stream(self, name: str, at_min: Floats, values: Floats) -> Stream:
        """Return a stream; what is missing is left out, and never a value."""
        known = ~np.isnan(values)
        scaled = np.clip((values[known] - self.mean) / self.sd, -_BOUND, _BOUND)
        return Stream(name, at_min[known], scaled)


class Streams:
    """Makes streams of cases and labels.

    Parameters:
        reference: of the training images, which give each stream's mean and unit.
        base: version 0, of whose log-loss on the training images the stream `loss` has its unit.
    """

    def __init__(self, reference: Reference, base: StackVersion) -> None:
        self.learners = base.meta.learners
        self.width = reference.sketch.shape[1]
        self._input = [_Unit.of(column) for column in reference.sketch.T]
        self._score = [_Unit.of(column) for column in reference.log_odds.T]
        self._disagreement = _Unit.of(disagreement(reference.log_odds))
        p_malignant = probability(base.meta, reference.log_odds, reference.sketch)
        self._loss = _Unit.of(log_loss(p_malignant, reference.malignant))

    def of_cases(self, cases: Columns) -> Iterator[Stream]:
        """Yield the streams of inputs, base scores and disagreement.

        A case that lacks a learner is not in that learner's stream, nor in `disagreement`:
        fewer learners differ otherwise, and an outage is known without a detector.
        """
        for place, unit in enumerate(self._input):
            yield unit.stream(f"{INPUT}{place}", cases.at_min, cases.sketch[:, place])
        for place, (name, unit) in enumerate(zip(self.learners, self._score, strict=True)):
            yield unit.stream(f"{SCORE}{name}", cases.at_min, cases.log_odds[:, place])
        spread = disagreement(cases.log_odds)
        spread[np.isnan(cases.log_odds).any(axis=1)] = np.nan
        yield self._disagreement.stream(DISAGREEMENT, cases.at_min, spread)

    def of_labels(self, cases: Sequence[LedgerCase]) -> Stream:
        """Return the stream of the answers' log-loss, for cases in the order their labels came."""
        rows = [(case.verdict, case.label) for case in cases if case.label is not None]
        p_malignant = np.array([verdict.p_malignant for verdict, _ in rows], np.float64)
        malignant = np.array([CLASSES[label.label] for _, label in rows], np.bool_)
        at_min = np.array([label.at_min for _, label in rows], np.float64)
        return self._loss.stream(LOSS, at_min, log_loss(p_malignant, malignant))
