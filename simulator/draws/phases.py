"""Times made of exponential phases: exponential, Erlang and hyperexponential.

Queueing theory is written in them, so they are what its formulas are checked with.
"""

import math
from dataclasses import dataclass

import numpy as np

from simulator.draws.checks import (
    WIDEST,
    require_between,
    require_shares,
    require_spread,
    require_time,
)
from simulator.draws.contract import Array, Spread, settled_all
from simulator.draws.skewed import gamma_times
from simulator.quantities import QuantityError


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential(Spread):
    """Without memory: how long it still takes does not depend on how long it took."""

    mean_min: float  # above 0

    def __post_init__(self) -> None:
        require_time("mean", self.mean_min)

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes: the mean."""
        return self.mean_min

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        return settled_all(-self.mean_min * np.log1p(-u))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialOfRate(Spread):
    """The exponential distribution stated by its rate, as queueing theory does."""

    rate_per_h: float  # above 0

    def __post_init__(self) -> None:
        require_between("rate_per_h", self.rate_per_h, 1e-6, 1e6)  # assumption

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return 60 / self.rate_per_h

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes: the mean."""
        return self.mean_min

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        return settled_all(-self.mean_min * np.log1p(-u))


@dataclass(frozen=True, slots=True, kw_only=True)
class Erlang(Spread):
    """A number of exponential phases of equal mean, one after the other."""

    phases: int  # 1 or more
    mean_min: float  # of the whole, above 0

    def __post_init__(self) -> None:
        require_between("phases", self.phases, 1, 10_000)  # above (assumption), write a constant
        require_time("mean", self.mean_min)

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes."""
        return self.mean_min / math.sqrt(self.phases)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        return gamma_times(u, self.phases, self.mean_min / self.phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperexponential(Spread):
    """Mostly short, sometimes long: one of two exponentials, with more spread than either.

    Balanced means: both contribute the same to the mean. W. Whitt, Approximating a point process
    by a renewal process, I, Operations Research 30 (1982), 125-147, doi:10.1287/opre.30.1.125.
    """

    mean_min: float  # above 0
    sd_min: float  # above the mean

    def __post_init__(self) -> None:
        require_spread(self.mean_min, self.sd_min)
        if not self.sd_min > self.mean_min:
            reason = f"must be above the mean of {self.mean_min:g} min, got {self.sd_min:g} min"
            raise QuantityError(("sd",), f"{reason}; write an erlang or a gamma instead")

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes; the share of the short ones is (1 + √((c² - 1)/(c² + 1)))/2."""
        scv = (self.sd_min / self.mean_min) ** 2
        tilt = math.sqrt((scv - 1) / (scv + 1))
        # 1 - tilt, without the difference of two near numbers that it is for a large scv.
        rest = 2 / ((scv + 1) * (1 + tilt))
        means = np.array([self.mean_min / (1 + tilt), self.mean_min / rest])
        return mixture_times(u, means, np.array([(1 + tilt) / 2, rest / 2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperexponentialOfMeans(Spread):
    """Exponentials with these means, each for its share of the cases."""

    means_min: tuple[float, ...]  # each above 0
    shares: tuple[float, ...]  # one for each mean, sum 1

    def __post_init__(self) -> None:
        if not self.means_min:
            raise QuantityError(("means",), "expected at least one mean")
        for mean_min in self.means_min:
            require_time("means", mean_min)
        if max(self.means_min) / min(self.means_min) > WIDEST**2:
            reason = f"the longest is more than {WIDEST**2:g} times the shortest"
            raise QuantityError(("means",), reason)
        require_shares(self.shares, self.means_min, "means")

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return sum(p * m for p, m in zip(self.shares, self.means_min, strict=True))

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes: the second moment is 2 Σ share · mean²."""
        second = 2 * sum(p * m * m for p, m in zip(self.shares, self.means_min, strict=True))
        return math.sqrt(second - self.mean_min**2)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        shares = np.array(self.shares)
        present = shares > 0
        return mixture_times(u, np.array(self.means_min)[present], shares[present] / shares.sum())


def mixture_times(u: Array, means_min: Array, shares: Array) -> Array:
    """Return the times at which mixtures of exponentials have ended with probability `u`.

    Solves ln Σ share · exp(-t / mean) = ln(1 - u) by Newton's method from the left: the left side
    is convex and falls, so no step goes past the root and every step comes closer.
    """
    wanted = np.log1p(-u)[..., None]
    # Each exponential alone leaves no more than all together, so its time is a lower bound.
    time = np.maximum((means_min * (np.log(shares) - wanted)).max(axis=-1, keepdims=True), 0.0)
    slowest = 1 / means_min.max()
    for _ in range(100):  # fewer than 20 in all that was tried
        # Relative to the slowest exponential, which so stays 1 however late it is.
        parts = shares * np.exp(-time * (1 / means_min - slowest))
        left = parts.sum(axis=-1, keepdims=True)
        rate = (parts / means_min).sum(axis=-1, keepdims=True) / left
        step = (np.log(left) - time * slowest - wanted) / rate
        time = np.maximum(time + step, 0.0)
        if np.all(np.abs(step) <= 1e-10 * (1 + time)):
            return settled_all(time[..., 0])
    raise ArithmeticError(f"no convergence for means {means_min.tolist()}, {shares.tolist()}")
