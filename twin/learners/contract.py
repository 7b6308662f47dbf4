"""The contract that all learners keep, and the scale on which they answer.

`fit(x, y, seed, settings)` is deterministic and uses one thread; `score` gives each row the
same bits whatever rows stand beside it (law 5).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]  # (n, features)
Labels = NDArray[np.bool_]  # (n,), True is malignant
Scores = NDArray[np.float64]  # (n,), log-odds of malignancy in nats
Setting = int | float | str
Settings = Mapping[str, Setting]

# Assumption: odds beyond 3,000 to 1 say more of a learner's optimism than of the lesion.
LIMIT_NATS: Final = 8.0
# Libraries agree to about 1e-12 across builds; six decimals are what the log shows.
DECIMALS: Final = 6


class Fitted(Protocol):
    """A learner that has learned."""

    def score(self, x: Features) -> Scores:
        """Return log-odds of malignancy, within ±8 nats, in steps of 1e-6."""
        ...

    def to_bytes(self) -> bytes:
        """Return everything `Learner.load` needs, in a format that cannot run code."""
        ...


class Fit(Protocol):
    """Learns from features and labels."""

    def __call__(self, x: Features, y: Labels, *, seed: int, settings: Settings) -> Fitted:
        """Return the fitted learner; both classes occur in `y`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Where to look for a setting; the ends belong to it."""

    low: float
    high: float
    log: bool = False  # equal ratios rather than equal steps
    whole: bool = False  # integers only


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """One row of the registry."""

    name: str
    file: str  # in the artefact
    fit: Fit
    load: Callable[[bytes], Fitted]
    defaults: Settings
    quick: Settings  # what differs for small synthetic sets, where training must take seconds
    full: Settings  # what differs for the full preset
    search: Mapping[str, Range]
    cost: float  # relative time to fit: training starts the slowest first


def to_scores(log_odds: NDArray[np.float64] | NDArray[np.float32]) -> Scores:
    """Return log-odds as the twin passes them on: clipped and rounded.

    >>> to_scores(np.array([0.12345678, -20.0])).tolist()
    [0.123457, -8.0]
    """
    scores: Scores = np.clip(log_odds.astype(np.float64), -LIMIT_NATS, LIMIT_NATS)
    return scores.round(DECIMALS)
