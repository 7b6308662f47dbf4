"""The meta-learner: an L1-penalised logistic regression over the base learners' log-odds.

One stack per set of learners that may be there: when some are missing, the stack that was
fitted without them answers, and the verdict says who was missing (law 10).
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.errors import ArtefactError, DependencyError, InvariantError
from twin.l1_logistic import Logistic, fit_l1_logistic, log_loss

Folds = Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]  # rows to fit on, rows held out

# From hardly any penalty to one that leaves a learner or two; a quarter of a decade apart.
PENALTIES: Final = tuple(float(value) for value in np.logspace(-4, -1, 13))
_DECIMALS: Final = 6  # as many as the log-odds have
_JOIN: Final = "+"
INPUT: Final = "input."  # begins the names of the sketch's columns


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaWeights:
    """log-odds of malignancy = intercept + Σ weight · column: learners, and the sketch if any."""

    intercept: float  # nats
    weights: Mapping[str, float]  # per learner; zero where the penalty dropped it

    def p_malignant(self, log_odds: Mapping[str, float]) -> float:
        """Return the probability for one case, in steps of 1e-6."""
        total = self.intercept
        for name, weight in self.weights.items():  # one order, hence the same bits
            total += weight * log_odds[name]
        return round(1.0 / (1.0 + math.exp(-total)), _DECIMALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaStack:
    """The stacks for all sets of learners."""

    learners: tuple[str, ...]  # all of them, in the registry's order
    penalty: float  # per unit of weight, in nats of mean log-loss
    stacks: Mapping[tuple[str, ...], MetaWeights]  # learners that are there -> weights
    inputs: tuple[str, ...] = ()  # columns of the sketch that are weighed, too (passthrough)

    def weights_for(self, available: Iterable[str]) -> MetaWeights:
        """Return the stack for the learners that are there.

        Raises:
            DependencyError: none is.
            InvariantError: one of them is not in the model.
        """
        there = set(available)
        if unknown := there - set(self.learners):
            raise InvariantError(f"the stack knows no learner {sorted(unknown)}")
        if not there:
            raise DependencyError("no base learner gave a score")
        return self.stacks[tuple(name for name in self.learners if name in there)]

    def probability(self, log_odds: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return p_malignant, shape (n,).

        Parameters:
            log_odds: per learner, shape (n,). A learner that is missing altogether is absent;
                one that is missing for a case has NaN there. Columns of the sketch beside them,
                named `input.0` and on; a stack that does not weigh them leaves them aside.

        Raises:
            DependencyError: a case has no score at all.
            InvariantError: a learner that is not in the model, or lengths differ.
        """
        if not log_odds:
            self.weights_for(())
        if len({len(column) for column in log_odds.values()}) > 1:
            raise InvariantError("learners scored different numbers of cases")
        every_input = {name for name in log_odds if name.startswith(INPUT)}
        cases = zip(*(column.tolist() for column in log_odds.values()), strict=True)
        answers = []
        for case in cases:
            known = {
                name: value
                for name, value in zip(log_odds, case, strict=True)
                if not math.isnan(value)
            }
            there = [name for name in known if name not in every_input]
            answers.append(self.weights_for(there).p_malignant(known))
        return np.array(answers, np.float64)

    def to_bytes(self) -> bytes:
        """Return the stacks as canonical JSON."""
        return json.dumps(
            {
                "learners": self.learners,
                "penalty": self.penalty,
                "stacks": {
                    _JOIN.join(there): [stack.intercept, [stack.weights[name] for name in there]]
                    for there, stack in self.stacks.items()
                },
            },
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
        ).encode()


def load_meta(content: bytes) -> MetaStack:
    """Read what `MetaStack.to_bytes` wrote.

    Raises:
        ArtefactError: these are not its bytes.
    """
    try:
        data = json.loads(content)
        stacks = {
            tuple(joined.split(_JOIN)): MetaWeights(
                intercept=float(intercept),
                weights=dict(zip(joined.split(_JOIN), map(float, weights), strict=True)),
            )
            for joined, (intercept, weights) in data["stacks"].items()
        }
        return MetaStack(
            learners=tuple(data["learners"]), penalty=float(data["penalty"]), stacks=stacks
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtefactError("meta.json", f"not a meta-learner: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """The stack at one penalty of the L1 path."""

    penalty: float  # per unit of weight, in nats of mean log-loss
    intercept: float  # nats
    weights: tuple[float, ...]  # per learner, fitted on all cases
    log_loss: float  # held out, nats


def penalty_path(
    z: NDArray[np.float64], y: NDArray[np.bool_], folds: Folds
) -> tuple[PathPoint, ...]:
    """Return the stack at every penalty that is tried, from the least penalty on.

    Parameters:
        z: out-of-fold log-odds, shape (n, learners).
        y: shape (n,).
        folds: groups (lesions) must not be split between a fold's two parts.
    """
    points = []
    for penalty in PENALTIES:
        fitted = fit_l1_logistic(z, y, penalty)
        points.append(
            PathPoint(
                penalty=penalty,
                intercept=fitted.intercept,
                weights=tuple(float(weight) for weight in fitted.weights),
                log_loss=log_loss(held_out(z, y, folds, penalty), y),
            )
        )
    return tuple(points)


def choose_penalty(path: Sequence[PathPoint]) -> float:
    """Return the penalty with the least held-out log-loss; the greater one of equals."""
    return min(path, key=lambda point: (point.log_loss, -point.penalty)).penalty


def held_out(
    z: NDArray[np.float64], y: NDArray[np.bool_], folds: Folds, penalty: float
) -> NDArray[np.float64]:
    """Return the stack's log-odds of every case, from weights that did not see its fold."""
    answer = np.empty(len(y))
    for seen, unseen in folds:
        fitted = fit_l1_logistic(z[seen], y[seen], penalty)
        answer[unseen] = fitted.intercept + np.einsum("ij,j->i", z[unseen], fitted.weights)
    return answer


def fit_meta(
    z: NDArray[np.float64], y: NDArray[np.bool_], learners: Sequence[str], penalty: float
) -> MetaStack:
    """Fit one stack for every non-empty set of learners, all with the same penalty.

    Parameters:
        z: out-of-fold log-odds, shape (n, learners), columns in the order of `learners`.
    """
    stacks = {}
    for size in range(len(learners), 0, -1):
        for columns in combinations(range(len(learners)), size):
            there = tuple(learners[column] for column in columns)
            fitted = fit_l1_logistic(z[:, list(columns)], y, penalty)
            stacks[there] = _named(fitted, there)
    return MetaStack(learners=tuple(learners), penalty=penalty, stacks=stacks)


def _named(fitted: Logistic, there: tuple[str, ...]) -> MetaWeights:
    weights = dict(zip(there, (float(weight) for weight in fitted.weights), strict=True))
    return MetaWeights(intercept=fitted.intercept, weights=weights)
