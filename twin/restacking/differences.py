"""Whether one stack does better than another on the same cases: a difference and its error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.restacking.paired import paired_mean

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


def mean_difference(each: Floats, weight: Floats, image: NDArray[np.intp]) -> Difference:
    """Return the weighted mean of differences, shape (n,); rows with one `image` are a cluster."""
    return Difference(*paired_mean(each, weight, image))


def balanced_difference(
    each: Floats, malignant: NDArray[np.bool_], weight: Floats, image: NDArray[np.intp]
) -> Difference:
    """Return the difference of balanced accuracies: the mean of that among either class.

    Parameters:
        each: 1 where the second is right and the first is not, -1 the other way round, else 0.
        malignant: shape (n,); both classes occur.
    """
    value, parts = 0.0, np.zeros(len(each))
    for some in (malignant, ~malignant):
        share = weight[some] / weight[some].sum()
        mean = float((share * each[some]).sum())
        value += mean / 2
        parts[some] = share * (each[some] - mean) / 2
    # The parts are centred: the error of their sum is len(each) times that of their mean.
    _, error = paired_mean(parts, np.ones(len(each)), image)
    return Difference(value, error * len(each))
