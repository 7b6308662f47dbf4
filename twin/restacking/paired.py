"""Whether one stack does better than another on the same cases: difference and standard error.

Cases that share a picture are no independent evidence, so errors are clustered by picture
(Liang and Zeger 1986, equation 7, for a weighted mean).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A weighted mean of paired differences."""

    value: float
    error: float  # its standard error; infinite where there is but one picture

    @property
    def is_gain(self) -> bool:
        """Return whether it is above zero by more than one standard error."""
        return self.value > self.error

    def above(self, margin: float, quantile: float) -> bool:
        """Return whether its lower bound, `quantile` standard errors down, exceeds a margin."""
        return self.value - quantile * self.error > margin


NOTHING = Difference(0.0, math.inf)


def mean_difference(each: Floats, weight: Floats, image: NDArray[np.intp]) -> Difference:
    """Return the weighted mean of differences, shape (n,); rows with one `image` are a cluster."""
    if not len(each):
        return NOTHING
    total = float(weight.sum())
    mean = float((weight * each).sum()) / total
    return Difference(mean, _clustered(weight * (each - mean) / total, image))


def balanced_difference(
    each: Floats, malignant: NDArray[np.bool_], weight: Floats, image: NDArray[np.intp]
) -> Difference:
    """Return the difference of balanced accuracies: the mean of that among either class.

    Parameters:
        each: 1 where the second is right and the first is not, -1 the other way round, else 0.
    """
    if malignant.all() or not malignant.any():
        return NOTHING
    parts = np.zeros(len(each))
    value = 0.0
    for some in (malignant, ~malignant):
        share = weight[some] / weight[some].sum()
        mean = float((share * each[some]).sum())
        value += mean / 2
        parts[some] = share * (each[some] - mean) / 2
    return Difference(value, _clustered(parts, image))


def _clustered(parts: Floats, image: NDArray[np.intp]) -> float:
    """Return the standard error of a sum of centred parts."""
    of_image = np.bincount(image, weights=parts)
    clusters = len(np.unique(image))
    if clusters < 2:
        return math.inf
    return math.sqrt(float((of_image**2).sum()) * clusters / (clusters - 1))
