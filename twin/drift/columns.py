"""Answered cases as columns, and the numbers that are watched in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvariantError
from twin.events import CaseArrived, VerdictIssued
from twin.meta import INPUT, MetaStack

Floats = NDArray[np.float64]
_P_MIN = 1e-6  # probabilities are rounded to it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """One row for each answered case."""

    at_min: Floats  # (n,) arrival
    log_odds: Floats  # (n, learners), nats; NaN where a learner was missing
    sketch: Floats  # (n, columns)

    def __len__(self) -> int:
        return len(self.at_min)

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Self:
        """Return some of the rows."""
        return type(self)(
            at_min=self.at_min[chosen],
            log_odds=self.log_odds[chosen],
            sketch=self.sketch[chosen],
        )

    def then(self, more: Self) -> Self:
        """Return these rows and more behind them."""
        return type(self)(
            at_min=np.concatenate([self.at_min, more.at_min]),
            log_odds=np.concatenate([self.log_odds, more.log_odds]),
            sketch=np.concatenate([self.sketch, more.sketch]),
        )


def columns_of(
    cases: Sequence[tuple[CaseArrived, VerdictIssued]], learners: Sequence[str], width: int
) -> Columns:
    """Return answered cases as columns, in their order.

    Parameters:
        learners: in the registry's order.
        width: columns of the sketch.

    Raises:
        InvariantError: a verdict's sketch has another width.
    """
    for _, verdict in cases:
        if len(verdict.sketch) != width:
            raise InvariantError(
                f"case {verdict.case_id}: a sketch of {len(verdict.sketch)} columns, not {width}"
            )
    return Columns(
        at_min=np.array([case.at_min for case, _ in cases], np.float64),
        log_odds=np.array(
            [[verdict.log_odds.get(name, np.nan) for name in learners] for _, verdict in cases],
            np.float64,
        ).reshape(len(cases), len(learners)),
        sketch=np.array([verdict.sketch for _, verdict in cases], np.float64).reshape(
            len(cases), width
        ),
    )


def probability(meta: MetaStack, log_odds: Floats, sketch: Floats) -> Floats:
    """Return a stack's p_malignant of rows, shape (n,).

    Parameters:
        log_odds: (n, learners), in the stack's order; NaN where a learner is missing.
        sketch: (n, columns).
    """
    named = {name: log_odds[:, place] for place, name in enumerate(meta.learners)}
    if meta.inputs:
        named |= {f"{INPUT}{place}": column for place, column in enumerate(sketch.T)}
    return meta.probability(named)


def logit(p: Floats) -> Floats:
    """Return log-odds of probabilities, in nats, shape as given; bounded by ±13.8."""
    inside = np.clip(p, _P_MIN, 1 - _P_MIN)
    return np.asarray(np.log(inside / (1 - inside)))


def disagreement(log_odds: Floats) -> Floats:
    """Return the standard deviation of the learners' log-odds, (n,); NaN with fewer than two."""
    there = ~np.isnan(log_odds)
    count = there.sum(axis=1)
    mean = np.where(there, log_odds, 0.0).sum(axis=1) / np.maximum(count, 1)
    squares = np.where(there, (log_odds - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return np.where(count > 1, np.sqrt(squares / np.maximum(count, 1)), np.nan)


def log_loss(p: Floats, malignant: NDArray[np.bool_]) -> Floats:
    """Return each answer's log-loss against its label, in nats, shape (n,)."""
    inside = np.clip(p, _P_MIN, 1 - _P_MIN)
    return np.asarray(-np.log(np.where(malignant, inside, 1 - inside)))
