"""Means of paired differences, with errors that know that patients share pictures."""

import numpy as np
from numpy.typing import NDArray


def paired_mean(
    difference: NDArray[np.float64], weight: NDArray[np.float64], cluster: NDArray[np.intp]
) -> tuple[float, float]:
    """Return a weighted mean and its standard error, by linearisation over clusters.

    Binder 1983, "On the variances of asymptotically normal estimators from complex surveys",
    with the factor m / (m - 1) for m clusters; infinite with fewer than two.

    Parameters:
        difference: shape (n,).
        weight: shape (n,).
        cluster: shape (n,); whole numbers, rows of one cluster are not independent.
    """
    if not len(difference):
        return 0.0, float("inf")
    total = float(weight.sum())
    mean = float(np.sum(weight * difference)) / total
    _, place = np.unique(cluster, return_inverse=True)
    sums = np.bincount(place, weights=weight * (difference - mean))
    count = len(sums)
    if count < 2:
        return mean, float("inf")
    return mean, float(np.sqrt(np.sum(sums**2) * count / (count - 1))) / total
