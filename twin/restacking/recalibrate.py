"""The small remedies: intercept, or intercept and slope, on the log-odds of the stack in force.

Cox 1958, "Two further applications of a model for binary regression": a prior shift moves the
intercept alone; scores that are too sure of themselves need a slope below one, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.l1_weighted import WeightedL1
from twin.meta import MetaStack, MetaWeights
from twin.restacking.rows import Rows

_SLOPE_PENALTY: Final = 1e-4  # keeps the slope finite where a few labels are told apart perfectly
_STEPS: Final = 100
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Line:
    """log-odds -> intercept + slope · log-odds."""

    intercept: float = 0.0  # nats
    slope: float = 1.0

    def of(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return recalibrated log-odds."""
        return self.intercept + self.slope * log_odds

    def back(self, log_odds: float) -> float:
        """Return what becomes these log-odds."""
        return (log_odds - self.intercept) / self.slope

    def moved(self, meta: MetaStack) -> MetaStack:
        """Return the stacks for all sets of learners, recalibrated alike."""
        stacks: Mapping[tuple[str, ...], MetaWeights] = {
            there: MetaWeights(
                intercept=round(self.intercept + self.slope * one.intercept, _DECIMALS) + 0.0,
                weights={
                    name: round(self.slope * weight, _DECIMALS) + 0.0
                    for name, weight in one.weights.items()
                },
            )
            for there, one in meta.stacks.items()
        }
        return MetaStack(
            learners=meta.learners, penalty=meta.penalty, stacks=stacks, inputs=meta.inputs
        )


def fit_shift(rows: Rows) -> Line:
    """Return the line of slope 1 with the least weighted log-loss; `rows` has one column."""
    score, share = rows.z[:, 0], rows.weight / rows.weight.sum()
    intercept = 0.0
    for _ in range(_STEPS):
        p = 0.5 * (1.0 + np.tanh(0.5 * (score + intercept)))
        curvature = float((share * p * (1 - p)).sum()) + 1e-12
        step = float((share * (rows.y - p)).sum()) / curvature
        intercept += max(-1.0, min(1.0, step))  # no overshooting where the curve is flat
        if abs(step) < 1e-9:
            return Line(intercept)
    raise InvariantError(f"the intercept did not converge in {_STEPS} steps")


def fit_line(rows: Rows) -> Line:
    """Return the line with the least weighted log-loss; slope 1 where scores are upside down."""
    fitted = WeightedL1(rows.z, rows.y, rows.weight).fit(_SLOPE_PENALTY)
    slope = float(fitted.weights[0])
    return Line(fitted.intercept, slope) if slope > 0.05 else fit_shift(rows)
