"""Times that were counted or measured: discrete and empirical."""

import math
from dataclasses import dataclass, field

import numpy as np

from simulator.draws.checks import require_shares
from simulator.draws.contract import Array, Spread, settled_all
from simulator.quantities import QuantityError


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrete(Spread):
    """One of a few values, each with its share."""

    values_min: tuple[float, ...]  # each 0 or more
    shares: tuple[float, ...]  # one for each value, sum 1
    # Values in ascending order and the shares up to each, without those that never occur.
    _ordered: Array = field(init=False, repr=False, compare=False)
    _up_to: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_values(self.values_min)
        require_shares(self.shares, self.values_min, "values")
        pairs = sorted(zip(self.values_min, self.shares, strict=True))
        ordered = np.array([value for value, share in pairs if share > 0])
        up_to = np.cumsum([share for _, share in pairs if share > 0])
        object.__setattr__(self, "_ordered", settled_all(ordered))
        object.__setattr__(self, "_up_to", up_to / up_to[-1])

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        pairs = zip(self.values_min, self.shares, strict=True)
        return math.fsum(share * value for value, share in pairs) / math.fsum(self.shares)

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes."""
        mean = self.mean_min
        pairs = zip(self.values_min, self.shares, strict=True)
        variance = math.fsum(share * (value - mean) ** 2 for value, share in pairs)
        return math.sqrt(variance / math.fsum(self.shares))

    def from_uniform(self, u: Array) -> Array:
        """Return the smallest values whose shares sum to `u` or more."""
        return self._ordered[np.searchsorted(self._up_to, u)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Empirical(Spread):
    """What was measured: each observed value is as likely as any other, and no other occurs."""

    values_min: tuple[float, ...]  # each 0 or more
    _ordered: Array = field(init=False, repr=False, compare=False)  # ascending

    def __post_init__(self) -> None:
        _require_values(self.values_min)
        object.__setattr__(self, "_ordered", settled_all(np.sort(np.array(self.values_min))))

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return math.fsum(self.values_min) / len(self.values_min)

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes, of these values and not of what they are a sample of."""
        mean = self.mean_min
        squares = math.fsum((value - mean) ** 2 for value in self.values_min)
        return math.sqrt(squares / len(self.values_min))

    def from_uniform(self, u: Array) -> Array:
        """Return the inverse of the empirical distribution function, without interpolation."""
        count = len(self._ordered)
        # The product with a number just below 1 may round up to the count.
        return self._ordered[np.minimum((u * count).astype(np.int64), count - 1)]


def _require_values(values_min: tuple[float, ...]) -> None:
    if not values_min:
        raise QuantityError(("values",), "expected at least one value")
    for value in values_min:
        if not 0 <= value < math.inf:
            raise QuantityError(("values",), f"must be 0 or more, got {value} min")
