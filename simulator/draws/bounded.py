"""Times between two bounds: constant, uniform, triangular and PERT.

Formulas: N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions, 2nd ed.,
Wiley, vol. 2 (1995): beta and triangular, chapters 25 and 26.
"""

import math
from dataclasses import dataclass

import numpy as np

from simulator.draws.checks import require_time
from simulator.draws.contract import Array, Spread, settled_all
from simulator.quantities import QuantityError


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Spread):
    """Always the same."""

    value_min: float  # 0 or more

    def __post_init__(self) -> None:
        if not self.value_min >= 0:
            raise QuantityError((), f"must be 0 or more, got {self.value_min} min")

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return self.value_min

    @property
    def sd_min(self) -> float:
        """Nothing varies."""
        return 0.0

    def from_uniform(self, u: Array) -> Array:
        """Return the value for each number."""
        return settled_all(np.full(u.shape, self.value_min))


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform(Spread):
    """Any time between two bounds is as likely as any other."""

    low_min: float  # 0 or more
    high_min: float  # above low

    def __post_init__(self) -> None:
        _require_order(self.low_min, self.high_min)

    @property
    def mean_min(self) -> float:
        """Mean in minutes: the middle."""
        return self.low_min + (self.high_min - self.low_min) / 2

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes: the width divided by the root of 12."""
        return (self.high_min - self.low_min) / math.sqrt(12)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        return settled_all(self.low_min + (self.high_min - self.low_min) * u)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniformOfMean(Spread):
    """The uniform distribution with this mean and standard deviation."""

    mean_min: float  # above 0
    sd_min: float  # above 0, at most mean / √3, where the low bound is 0

    def __post_init__(self) -> None:
        require_time("mean", self.mean_min)
        require_time("sd", self.sd_min)
        # One part in a million: '0.57735' of the mean is meant as the limit.
        if self.sd_min * math.sqrt(3) > self.mean_min * (1 + 1e-6):
            limit = self.mean_min / math.sqrt(3)
            reason = f"must be at most mean / √3 = {limit:.6g} min, or times would be negative"
            raise QuantityError(("sd",), f"{reason}; got {self.sd_min:g} min")

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        times = self.mean_min + self.sd_min * math.sqrt(12) * (u - 0.5)
        return settled_all(np.maximum(times, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangular(Spread):
    """An expert's guess: at least, most likely, at most."""

    low_min: float  # 0 or more
    mode_min: float  # from low to high
    high_min: float  # above low

    def __post_init__(self) -> None:
        _require_order(self.low_min, self.high_min, self.mode_min)

    @property
    def mean_min(self) -> float:
        """Mean in minutes: a third of the sum of the three."""
        return (self.low_min + self.mode_min + self.high_min) / 3

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes: variance (a² + b² + c² - ab - ac - bc) / 18."""
        low, mode, high = self.low_min, self.mode_min, self.high_min
        return math.sqrt(((mode - low) ** 2 + (high - mode) ** 2 + (high - low) ** 2) / 36)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        width = self.high_min - self.low_min
        rise, fall = self.mode_min - self.low_min, self.high_min - self.mode_min
        rising = self.low_min + np.sqrt(u * width * rise)
        falling = self.high_min - np.sqrt((1 - u) * width * fall)
        return settled_all(np.where(u * width < rise, rising, falling))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pert(Spread):
    """An expert's guess, smoother than the triangle: the mode weighs four times a bound.

    A beta distribution with shapes 1 + 4 (mode - low) / (high - low) and 1 + 4 (high - mode) /
    (high - low); Vose, Risk Analysis, 3rd ed. (2008), "PERT".
    """

    low_min: float  # 0 or more
    mode_min: float  # from low to high
    high_min: float  # above low

    def __post_init__(self) -> None:
        _require_order(self.low_min, self.high_min, self.mode_min)

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return (self.low_min + 4 * self.mode_min + self.high_min) / 6

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes: variance (mean - low) (high - mean) / 7."""
        mean = self.mean_min
        return math.sqrt((mean - self.low_min) * (self.high_min - mean) / 7)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        from scipy import special

        width = self.high_min - self.low_min
        first = 1 + 4 * (self.mode_min - self.low_min) / width
        second = 1 + 4 * (self.high_min - self.mode_min) / width
        return settled_all(self.low_min + width * special.betaincinv(first, second, u))


def _require_order(low_min: float, high_min: float, mode_min: float | None = None) -> None:
    if not low_min >= 0:
        raise QuantityError(("low",), f"must be 0 or more, got {low_min} min")
    if low_min == high_min:
        raise QuantityError(("high",), "is equal to low; write a constant instead")
    if not low_min <= (low_min if mode_min is None else mode_min) <= high_min:
        words = "low <= high" if mode_min is None else "low <= mode <= high"
        raise QuantityError((), f"expected {words}")
