"""What a distribution of a time is: two moments and an inverse transform."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# From here on (17,000 years) doubles lie further apart than a millionth of a minute.
_WHOLE_MIN = 2.0**53 / 1e6


class Distribution(Protocol):
    """A distribution of a time in minutes, drawn by inverse transform.

    The n-th uniform number gives the n-th time, and a larger number never a shorter time. So two
    scenarios that differ in a parameter keep their common random numbers comonotone, which is
    what makes their difference precise (Law, Simulation Modeling and Analysis, 5th ed., 11.2).
    """

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes; infinite where the tail is too heavy to have one."""

    @property
    def scv(self) -> float:
        """Squared coefficient of variation, sd²/mean²."""

    def from_uniform(self, u: Array) -> Array:
        """Return times in minutes, settled, of the shape of `u`, which is in (0, 1)."""


class Moments(Protocol):
    """What `Spread` needs to know."""

    @property
    def mean_min(self) -> float:
        """Mean in minutes."""

    @property
    def sd_min(self) -> float:
        """Standard deviation in minutes."""


class Spread:
    """What all distributions have in common."""

    __slots__ = ()

    @property
    def scv(self: Moments) -> float:
        """Squared coefficient of variation, sd²/mean²; 0 where nothing varies."""
        return (self.sd_min / self.mean_min) ** 2 if self.sd_min else 0.0


def settled_all(minutes: Array) -> Array:
    """Round to a millionth of a minute, as `settled` does for one time, and for its reason.

    >>> settled_all(np.array([0.12345678, 6.0])).tolist()
    [0.123457, 6.0]
    """
    return np.where(np.abs(minutes) < _WHOLE_MIN, np.round(minutes, 6), minutes)
