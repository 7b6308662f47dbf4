"""Times with one hump and a long tail: log-normal, gamma, Weibull and log-logistic.

Formulas: N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions, 2nd ed.,
Wiley, vol. 1 (1994; log-normal: chapter 14, gamma: 17, Weibull: 21) and vol. 2 (1995;
log-logistic: chapter 23).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulator.draws.checks import require_between, require_spread, require_time
from simulator.draws.contract import Array, Spread, settled_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Lognormal(Spread):
    """Skewed, with a long tail; mean and standard deviation are those of the duration itself."""

    mean_min: float  # above 0
    sd_min: float  # above 0

    def __post_init__(self) -> None:
        require_spread(self.mean_min, self.sd_min)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes.

        The logarithm has variance ln(1 + sd²/mean²) and mean ln(mean) less half that variance.
        """
        variance = math.log1p((self.sd_min / self.mean_min) ** 2)
        return _lognormal(u, math.log(self.mean_min) - variance / 2, math.sqrt(variance))


@dataclass(frozen=True, slots=True, kw_only=True)
class LognormalOfMedian(Spread):
    """The log-normal distribution as statistics programs state it."""

    median_min: float  # above 0
    sigma: float  # standard deviation of the natural logarithm, above 0

    def __post_init__(self) -> None:
        require_time("median", self.median_min)
        # Assumption: at 3 the standard deviation is 90 times the mean.
        require_between("sigma", self.sigma, 1e-3, 3)

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return self.median_min * math.exp(self.sigma**2 / 2)

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes."""
        return self.mean_min * math.sqrt(math.expm1(self.sigma**2))

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        return _lognormal(u, math.log(self.median_min), self.sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gamma(Spread):
    """Skewed, with a lighter tail than the log-normal; an Erlang when mean²/sd² is whole."""

    mean_min: float  # above 0
    sd_min: float  # above 0

    def __post_init__(self) -> None:
        require_spread(self.mean_min, self.sd_min)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes: shape mean²/sd², scale sd²/mean."""
        shape = (self.mean_min / self.sd_min) ** 2
        return gamma_times(u, shape, self.mean_min / shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaOfShape(Spread):
    """The gamma distribution as statistics programs state it."""

    shape: float  # above 0
    scale_min: float  # mean per shape, above 0

    def __post_init__(self) -> None:
        require_between("shape", self.shape, 1e-4, 1e6)  # the widest and the narrowest spread
        require_time("scale", self.scale_min)

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return self.shape * self.scale_min

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes."""
        return math.sqrt(self.shape) * self.scale_min

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        return gamma_times(u, self.shape, self.scale_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weibull(Spread):
    """Skewed to either side: the hazard of an end rises or falls with the time that passed."""

    mean_min: float  # above 0
    sd_min: float  # above 0

    def __post_init__(self) -> None:
        require_spread(self.mean_min, self.sd_min)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes; the shape is solved for, as it has no closed form."""
        shape = weibull_shape(self.sd_min / self.mean_min)
        return _weibull(u, shape, self.mean_min / math.gamma(1 + 1 / shape))


@dataclass(frozen=True, slots=True, kw_only=True)
class WeibullOfShape(Spread):
    """The Weibull distribution as statistics programs state it."""

    shape: float  # above 1, ends become likelier with time; below 1, less likely
    scale_min: float  # 63 % have ended by then; above 0

    def __post_init__(self) -> None:
        require_between("shape", self.shape, 0.128, 1300)  # the widest, the narrowest spread
        require_time("scale", self.scale_min)

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        return self.scale_min * math.gamma(1 + 1 / self.shape)

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes."""
        return self.mean_min * math.sqrt(math.expm1(_weibull_log(1 / self.shape)))

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        return _weibull(u, self.shape, self.scale_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loglogistic(Spread):
    """A tail heavier than the log-normal's, as stays and delays have it."""

    median_min: float  # above 0
    shape: float  # above 1, or there were no mean; up to 2 the standard deviation is infinite

    def __post_init__(self) -> None:
        require_time("median", self.median_min)
        # Assumption: at 1.01 the mean is 32 times the median.
        require_between("shape", self.shape, 1.01, 2000)

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""
        angle = math.pi / self.shape
        return self.median_min * angle / math.sin(angle)

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes; infinite for a shape up to 2."""
        if self.shape <= 2:
            return math.inf
        # With t = π/shape: 2t/sin 2t - t²/sin² t, without the difference of two near numbers
        # that it is for small t.
        angle = math.pi / self.shape
        tangent = math.tan(angle)
        return self.median_min * math.sqrt(angle * (tangent - angle)) / math.sin(angle)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        return settled_all(self.median_min * (u / (1 - u)) ** (1 / self.shape))


def gamma_times(u: Array, shape: float, scale_min: float) -> Array:
    """Return gamma times in minutes."""
    from scipy import special

    return settled_all(scale_min * special.gammaincinv(shape, u))


@lru_cache(maxsize=256)
def weibull_shape(cv: float) -> float:
    """Return the shape whose standard deviation is `cv` times its mean, by bisection.

    1 + cv² = Γ(1 + 2/k) / Γ(1 + 1/k)², which falls with the shape k.

    >>> round(weibull_shape(1.0), 9)
    1.0
    """
    wanted = math.log1p(cv**2)
    low, high = 0.0, 10.0  # of 1/k; at 10 the standard deviation is 430 times the mean
    while (middle := (low + high) / 2) not in (low, high):
        if _weibull_log(middle) < wanted:
            low = middle
        else:
            high = middle
    return 1 / high


def _weibull_log(inverse: float) -> float:
    return math.lgamma(1 + 2 * inverse) - 2 * math.lgamma(1 + inverse)


def _weibull(u: Array, shape: float, scale_min: float) -> Array:
    return settled_all(scale_min * (-np.log1p(-u)) ** (1 / shape))


def _lognormal(u: Array, centre: float, sigma: float) -> Array:
    from scipy import special

    return settled_all(np.exp(centre + sigma * special.ndtri(u)))
