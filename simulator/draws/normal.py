"""Normal distributions: of a duration, cut at 0, and of a punctuality, which may be negative."""

import math
from dataclasses import dataclass

import numpy as np

from simulator.draws.checks import require_spread
from simulator.draws.contract import Array, Spread, settled_all
from simulator.quantities import QuantityError


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal(Spread):
    """The bell curve, cut at 0; mean and sd are those before it is cut.

    A mean above 0 is required, so less than half is cut. `mean_min` and `sd_min` are those of
    what remains (Johnson, Kotz and Balakrishnan, vol. 1, 1994, section 13.10.1).
    """

    centre_min: float  # mean before the cut, above 0
    spread_min: float  # standard deviation before the cut, above 0

    def __post_init__(self) -> None:
        require_spread(self.centre_min, self.spread_min)

    @property
    def mean_min(self) -> float:
        """Mean in minutes, after the cut: more than the stated one."""
        return self.centre_min + self.spread_min * self._hazard()

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes, after the cut: less than the stated one."""
        hazard = self._hazard()
        cut = -self.centre_min / self.spread_min
        return self.spread_min * math.sqrt(1 + cut * hazard - hazard**2)

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes."""
        from scipy import special

        # By what is left above a time, not by what is below: so no sum can round to 1.
        above = (1 - u) * self._kept()
        times = self.centre_min - self.spread_min * special.ndtri(above)
        return settled_all(np.maximum(times, 0.0))

    def _kept(self) -> float:
        return math.erfc(-self.centre_min / self.spread_min / math.sqrt(2)) / 2

    def _hazard(self) -> float:
        ratio = self.centre_min / self.spread_min
        return math.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi) / self._kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedConstant(Spread):
    """Always so much too late, or too early when negative."""

    value_min: float  # finite

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
class SignedNormal(Spread):
    """The bell curve of a time relative to an appointment: negative is early."""

    mean_min: float  # finite
    sd_min: float  # above 0

    def __post_init__(self) -> None:
        if not 0 < self.sd_min < math.inf:
            reason = f"must be above 0, got {self.sd_min:g} min; write a constant instead"
            raise QuantityError(("sd",), reason)

    def from_uniform(self, u: Array) -> Array:
        """Return minutes after the appointment."""
        from scipy import special

        return settled_all(self.mean_min + self.sd_min * special.ndtri(u))


Punctuality = SignedConstant | SignedNormal
