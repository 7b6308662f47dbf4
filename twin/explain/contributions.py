"""What each learner added to the stack's log-odds: exact, because the meta-learner is linear.

    log-odds of malignancy = intercept + Σ weight · vote

So a learner's contribution is its weight times its vote, and nothing is approximated. It says
what the stack computed, not what would happen without that learner: then another stack answers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twin.meta import INPUT, MetaStack

_DECIMALS = 6  # of p_malignant; see twin/meta.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One learner's part, or that of a column of the sketch."""

    name: str  # learner, or `input.0` and on
    vote: float  # its log-odds of malignancy in nats; a column of the sketch has its own unit
    weight: float  # of the stack that answered; zero where the penalty dropped it

    @property
    def nats(self) -> float:
        """What it added to the log-odds: above zero speaks for malignant."""
        return self.weight * self.vote + 0.0  # no -0.0 where the weight is zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """All that the stack's log-odds of one image are made of."""

    intercept: float  # nats
    parts: tuple[Contribution, ...]  # in the stack's order
    missing: tuple[str, ...]  # learners that gave no vote; the stack without them answered

    @property
    def log_odds(self) -> float:
        """The sum: the stack's log-odds of malignancy, in nats."""
        total = self.intercept
        for part in self.parts:  # in the stack's own order, hence its bits
            total += part.nats
        return total

    @property
    def p_malignant(self) -> float:
        """The probability that belongs to the sum, rounded as in a verdict."""
        return round(1.0 / (1.0 + math.exp(-self.log_odds)), _DECIMALS)


def contributions(
    votes: Mapping[str, float], meta: MetaStack, sketch: Sequence[float] = ()
) -> Contributions:
    """Return what each vote added.

    Parameters:
        votes: log-odds of the learners that answered, in nats.
        meta: the stack version that answered the case.
        sketch: of what the stem saw; needed where the stack weighs it.

    Raises:
        DependencyError: no learner answered.
        InvariantError: one of them is not in the stack.

    >>> from twin.meta import MetaWeights
    >>> weights = MetaWeights(intercept=-0.5, weights={"svm": 2.0})
    >>> meta = MetaStack(learners=("svm",), penalty=0.0, stacks={("svm",): weights})
    >>> contributions({"svm": 1.25}, meta).log_odds
    2.0
    """
    answered = meta.weights_for(votes)
    known = {**votes, **{f"{INPUT}{place}": value for place, value in enumerate(sketch)}}
    return Contributions(
        intercept=answered.intercept,
        parts=tuple(
            Contribution(name=name, vote=known[name], weight=weight)
            for name, weight in answered.weights.items()
        ),
        missing=tuple(name for name in meta.learners if name not in votes),
    )
